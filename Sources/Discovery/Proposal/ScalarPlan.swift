import Telemetry

/// What topics of one value each hold.
struct ScalarPlan {
  private(set) var metrics: [ProposedMetric] = []
  private(set) var doubts: [String] = []

  private static let topicsRead = 200

  /// - Parameter shape: the levels of the topics.
  init(_ shape: [Segment], _ topics: [(index: Int, topic: HeardTopic)]) {
    var seen = LeafStatistics()
    for (index, topic) in topics.prefix(ScalarPlan.topicsRead) {
      for sample in topic.samples.sorted(by: { $0.receivedAt < $1.receivedAt })
      where sample.payload.withUnsafeBytes({ PayloadKind($0) }) == .text {
        seen.add(.word(sample.text), topic: index)
      }
    }
    let names = shape.compactMap { segment -> String? in if case .word(let word) = segment { word } else { nil } }
    let last = names.last ?? ""
    let endsInWord = shape.last?.isWord ?? false
    let around = names.dropLast().flatMap(Words.split)
    if endsInWord, ScalarPlan.availability.contains(last.lowercased()), seen.saysAvailability { return }
    guard var metric = MetricGuess.guess(Words.split(last), around: around, seen) else {
      if !endsInWord { metrics = [plain(last, seen)] }
      return
    }
    // A guess is no better than the topic's own name where it names nothing.
    if metric.name.isEmpty { metric.name = MetricName.clean(last) }
    metrics = [metric]
  }

  /// The format sees by itself that these are an availability.
  private static let availability: Set<String> = [
    "lwt", "online", "available", "availability", "status", "connected", "connection", "$state", "$online",
  ]

  /// The metric would be called after the topic's last level, which is the device's.
  private mutating func plain(_ name: String, _ seen: LeafStatistics) -> ProposedMetric {
    doubts.append("the metric's name is that of the topic's last word")
    return ProposedMetric(name: MetricName.clean(name), kind: seen.isNumber ? .gauge : .state)
  }
}
