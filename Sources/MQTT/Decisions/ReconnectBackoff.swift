/// When the next try to connect comes: the first at once, then later each time, up to 30 s. Tries are never closer than
/// 200 ms, so that two clients that throw each other out, each committing in between, stay bearable.
///
/// Times are monotonic nanoseconds.
struct ReconnectBackoff: Hashable, Sendable {
  static let first: Int64 = 500_000_000
  static let longest: Int64 = 30_000_000_000
  /// A connection that lived so long counts as a success even where nothing was committed on it.
  static let provenAfter: Int64 = 10_000_000_000

  static let spacing: Int64 = 200_000_000

  private var failures = 0
  private var lastTry: Int64?

  mutating func trying(now: Int64) { lastTry = now }

  /// A try failed, or a connection was lost. Returns when to try again.
  ///
  /// - Parameter random: from 0 up to, not including, 1. Half of the wait is left to it, so that the gateways of a
  ///   district don't come back all at once.
  mutating func failed(now: Int64, random: Double) -> Int64 {
    defer { failures = min(failures + 1, 16) }
    let earliest = max(now, lastTry.map { $0 + ReconnectBackoff.spacing } ?? now)
    guard failures > 0 else { return earliest }
    let whole = min(ReconnectBackoff.first << Int64(failures - 1), ReconnectBackoff.longest)
    return max(earliest, now + whole / 2 + Int64(Double(whole / 2) * random))
  }

  /// Something was achieved: a commit, or a connection that lived long enough. Being let in alone is none, or a
  /// broker that throws us out at once would be asked without pause.
  mutating func succeeded() { failures = 0 }
}
