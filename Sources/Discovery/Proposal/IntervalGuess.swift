import Telemetry

/// How often a healthy device of a kind reports, by the gaps between the messages of its regular topics. Where some are
/// more frequent than others, these count: a window has as many messages at least.
enum IntervalGuess {
  /// So many gaps of one topic tell whether it is regular.
  private static let fewest = 2
  /// Half of a regular topic's gaps lie no farther apart than this share of the middle one.
  private static let spread = 0.6

  /// `nil` where no topic was regular.
  static func find(_ topics: [HeardTopic]) -> (interval: Span, gaps: Int)? {
    var middles: [Double] = []
    var gaps = 0
    for topic in topics where topic.gaps.count >= fewest {
      // Repetitions follow at once.
      let sorted = topic.gaps.sorted().map(Double.init)
      let middle = sorted[sorted.count / 2]
      let quarter = sorted.count / 4
      guard middle > 0, sorted[sorted.count - 1 - quarter] - sorted[quarter] <= spread * middle else { continue }
      middles.append(middle)
      gaps += sorted.count
    }
    guard !middles.isEmpty else { return nil }
    middles.sort()
    return (rounded(middles[middles.count / 4]), gaps)
  }

  private static let usual: [Double] = [
    1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 21_600, 43_200, 86_400,
  ]

  /// To a length that people set, where one is near; else to two digits.
  static func rounded(_ nanoseconds: Double) -> Span {
    let seconds = nanoseconds / 1e9
    if let near = usual.first(where: { abs($0 - seconds) <= 0.2 * $0 }) { return .seconds(Int64(near)) }
    var step = 1.0
    while seconds / step >= 100 { step *= 10 }
    while seconds / step < 10, step > 0.001 { step /= 10 }
    return .milliseconds(max(1, Int64(((seconds / step).rounded() * step * 1000).rounded())))
  }
}
