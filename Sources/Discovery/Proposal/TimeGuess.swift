import Telemetry

/// Finds where documents say when: the value that is close to the time of receipt.
struct TimeGuess: Sendable, Hashable {
  let path: String
  let unit: TimeMapping.Unit
  /// How far it was from the time of receipt, in the middle; full hours aside where it is naive.
  let distance: Span
  /// Whether it is local time that doesn't say of which zone.
  let isNaive: Bool

  /// Clocks of devices are wrong by hours; what is a day off is another time.
  private static let farthest = Span.hours(24)
  /// A value that isn't named like a time must be this close.
  private static let nearEnough = Span.minutes(5)
  /// Share of a leaf's values that must look like times: the clocks of some are wrong.
  private static let share = 0.6

  private struct Candidate {
    let path: String
    let unit: TimeMapping.Unit
    var distances: [Int64]
  }

  /// - Parameter leaves: by path, what it held and when that came, live messages alone.
  static func find(_ leaves: [String: [(value: PayloadReader.Leaf.Value, at: Timestamp)]]) -> TimeGuess? {
    var best: (guess: TimeGuess, rank: Int64)?
    for (path, values) in leaves.sorted(by: { $0.key < $1.key }) where !values.isEmpty {
      let words = Words.split(path.split(separator: "/").last.map(String.init) ?? "")
      guard !words.contains(where: others.contains) else { continue }
      let isNamed = words.contains(where: names.contains)
      for unit in TimeMapping.Unit.allCases {
        let distances = values.compactMap { distance($0.value, unit, $0.at) }.sorted()
        let limit = isNamed ? farthest : nearEnough
        let near = distances.filter { $0 <= limit.nanoseconds }
        guard Double(near.count) >= share * Double(values.count), let middle = near.dropFirst(near.count / 2).first
        else { continue }
        let guess = TimeGuess(
          path: path, unit: unit, distance: Span(nanoseconds: middle),
          isNaive: unit == .iso && values.contains { isNaive($0.value) })
        // A name is worth ten seconds, as is a level less.
        let depth = Int64(path.utf8.count { $0 == UInt8(ascii: "/") })
        let rank = middle + (isNamed ? 0 : 10_000_000_000) + depth * 100_000_000
        if best.map({ rank < $0.rank }) ?? true { best = (guess, rank) }
      }
    }
    return best?.guess
  }

  private static let names: Set<String> = [
    "ts", "time", "timestamp", "t", "at", "date", "datetime", "utc", "utctime", "epoch", "unixtime", "waktu", "tanggal",
    "jam", "now", "currenttime", "created", "sent", "sampled",
  ]
  /// Times of something else.
  private static let others: Set<String> = [
    "start", "started", "begin", "end", "expire", "expires", "since", "boot", "last", "next", "until", "install",
    "installed", "updated", "uptime", "remaining", "elapsed", "str",
  ]

  private static func isNaive(_ value: PayloadReader.Leaf.Value) -> Bool {
    guard case .word(let word) = value, word.utf8.count <= 40, let parts = RFC3339.parts(word) else { return false }
    return parts.instant == nil
  }

  /// Zones are full hours from UTC where these devices stand, and fourteen at most.
  private static func naiveDistance(_ local: Timestamp, _ at: Timestamp) -> Int64? {
    let hour: Int64 = 3_600_000_000_000
    let span = local - at
    guard span > .hours(-15), span < .hours(15) else { return nil }
    let hours = Int64((span.seconds / 3600).rounded())
    return abs(span.nanoseconds - hours * hour)
  }

  private static func distance(
    _ value: PayloadReader.Leaf.Value, _ unit: TimeMapping.Unit, _ at: Timestamp
  ) -> Int64? {
    let told: Timestamp
    switch (value, unit) {
    case (.word(let word), .iso):
      guard word.utf8.count <= 40, let parts = RFC3339.parts(word) else { return nil }
      guard let instant = parts.instant else { return naiveDistance(parts.local, at) }
      told = instant
    case (.word, _), (.number, .iso): return nil
    case (.number(let number), _):
      let seconds: Double
      switch unit {
      case .seconds: seconds = number
      case .milliseconds: seconds = number / 1e3
      case .microseconds: seconds = number / 1e6
      default: seconds = number / 1e9
      }
      guard seconds > 1e9, let instant = Timestamp(seconds: seconds) else { return nil }
      told = instant
    }
    let span = told - at
    return span.nanoseconds == .min ? .max : abs(span.nanoseconds)
  }
}
