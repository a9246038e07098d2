import Telemetry

/// What JSON documents of one kind hold: when, and which values.
struct DocumentPlan {
  private(set) var time: TimeGuess?
  private(set) var metrics: [ProposedMetric] = []
  private(set) var doubts: [String] = []

  /// Documents of so many topics are looked at.
  private static let topicsRead = 48
  /// More values are all taken as they are: nobody reads so many tables.
  private static let metricsProposed = 40

  /// A place, or one for all things of an array.
  private struct Place: Hashable {
    let each: String
    let path: String
  }

  init(_ topics: [(index: Int, topic: HeardTopic)], reader: inout PayloadReader) {
    var timed: [String: [(value: PayloadReader.Leaf.Value, at: Timestamp)]] = [:]
    var order: [String] = []
    var leaves: [String: [(leaf: PayloadReader.Leaf, topic: Int)]] = [:]
    for (index, topic) in topics.prefix(DocumentPlan.topicsRead) {
      for sample in topic.samples.sorted(by: { $0.receivedAt < $1.receivedAt }) {
        for leaf in reader.leaves(sample.payload, at: sample.receivedAt) ?? [] {
          if leaves[leaf.path] == nil { order.append(leaf.path) }
          leaves[leaf.path, default: []].append((leaf, index))
          if !sample.retained { timed[leaf.path, default: []].append((leaf.value, sample.receivedAt)) }
        }
      }
    }
    time = TimeGuess.find(timed)
    let arrays = DocumentPlan.arrays(order)
    var places: [Place] = []
    var seen: [Place: LeafStatistics] = [:]
    for path in order where path != time?.path && path.utf8.count <= 256 {
      let place = DocumentPlan.place(path, arrays)
      if seen[place] == nil { places.append(place) }
      for (leaf, topic) in leaves[path] ?? [] { seen[place, default: LeafStatistics()].add(leaf.value, topic: topic) }
    }
    guard places.count <= DocumentPlan.metricsProposed else {
      doubts.append("\(places.count) values are in it, and all are taken: [[source.metric]] tables choose among them")
      return
    }
    for place in places { propose(place, seen[place] ?? LeafStatistics()) }
    unify()
  }

  private mutating func propose(_ place: Place, _ seen: LeafStatistics) {
    let tokens = place.path.split(separator: "/").map(DocumentPlan.unescape)
    let around = (place.each + place.path).split(separator: "/").dropLast().flatMap { Words.split(String($0)) }
    let words = Words.split(tokens.last ?? "")
    if DocumentPlan.isDescription(words, seen) {
      doubts.append("left out: \(place.each + place.path) (\(Printable.text(seen.example, limit: 24))), a description")
      return
    }
    var metric = MetricGuess.guess(words, around: around, seen) ?? ProposedMetric(name: "")
    if !seen.isNumber { metric.kind = .state }
    if metric.name.isEmpty {
      let named = place.each.split(separator: "/").map(String.init).filter { $0 != "{n}" }.map(DocumentPlan.unescape)
      metric.name = MetricName.clean((named + tokens).joined(separator: "."))
    }
    metric.path = place.path
    if !place.each.isEmpty { metric.each = place.each }
    metrics.append(metric)
  }

  /// Two values of the same meaning keep the names of their places.
  private mutating func unify() {
    var counts: [String: Int] = [:]
    for metric in metrics { counts[metric.name, default: 0] += 1 }
    var taken: Set<String> = []
    for index in metrics.indices {
      if counts[metrics[index].name, default: 0] > 1 {
        let tokens = ((metrics[index].each ?? "") + (metrics[index].path ?? "")).split(separator: "/")
        metrics[index].name = MetricName.clean(
          tokens.map { DocumentPlan.unescape($0) }.filter { $0 != "{n}" }.joined(separator: "."))
      }
      var name = metrics[index].name
      var number = 2
      while !taken.insert(name).inserted {
        name = "\(metrics[index].name)-\(number)"
        number += 1
      }
      metrics[index].name = name
    }
  }

  /// Firmware, serial numbers and their kin say what a device is, not how it is.
  private static func isDescription(_ words: [String], _ seen: LeafStatistics) -> Bool {
    guard seen.texts * 2 > seen.count else { return false }
    if words.count == 1, let word = words.first, labels.contains(word) { return true }
    return words.contains(where: descriptions.contains)
  }

  /// Alone they are descriptions; in `status_name` they are not.
  private static let labels: Set<String> = ["id", "name", "label", "time", "date", "timestamp", "hw", "build", "ip"]
  private static let descriptions: Set<String> = [
    "fw", "firmware", "version", "model", "serial", "sn", "uuid", "guid", "mac", "ipaddr", "hostname", "vendor",
    "manufacturer", "description",
  ]

  // MARK: - Arrays

  /// Places of arrays of which several things were seen.
  private static func arrays(_ paths: [String]) -> Set<String> {
    var seen: [String: Set<Substring>] = [:]
    for path in paths {
      var end = path.startIndex
      for token in path.split(separator: "/") {
        if token.utf8.count <= 4, token.utf8.allSatisfy({ $0 &- 48 < 10 }), token.endIndex < path.endIndex {
          seen[String(path[..<end]), default: []].insert(token)
        }
        end = token.endIndex
      }
    }
    return Set(seen.filter { $0.value.count > 1 && $0.value.contains("0") }.keys)
  }

  private static func place(_ path: String, _ arrays: Set<String>) -> Place {
    var end = path.startIndex
    for token in path.split(separator: "/") {
      // Braces in a key would be a capture.
      if arrays.contains(String(path[..<end])), token.utf8.allSatisfy({ $0 &- 48 < 10 }),
        token.endIndex < path.endIndex,
        !path[..<end].utf8.contains(where: { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") })
      {
        return Place(each: path[..<end] + "/{n}", path: String(path[token.endIndex...]))
      }
      end = token.endIndex
    }
    return Place(each: "", path: path)
  }

  private static func unescape(_ token: some StringProtocol) -> String {
    var text = ""
    var isEscaped = false
    for character in token {
      if isEscaped {
        text.append(character == "1" ? "/" : "~")
        isEscaped = false
      } else if character == "~" {
        isEscaped = true
      } else {
        text.append(character)
      }
    }
    return text
  }
}
