import Telemetry

/// Lets so many bytes through in a second. What a batch cost is known only afterwards, so one may go as soon as the
/// bucket isn't empty, and what it took too much is waited for by the next.
struct TokenBucket: Sendable, Equatable {
  /// Bytes in a second.
  let rate: Double
  /// What gathers while nothing is sent: a second's worth, and a batch at least, or a slow link would never begin.
  private let depth: Double
  private var level: Double
  private var last: Span?

  init(rate: Double) {
    self.rate = rate
    depth = max(rate, 20_000)
    level = depth
  }

  private mutating func fill(_ now: Span) {
    if let last { level = min(depth, level + rate * max(0, Double(now.nanoseconds - last.nanoseconds)) / 1e9) }
    last = now
  }

  /// How long until something may be sent.
  mutating func wait(_ now: Span) -> Span {
    fill(now)
    // Rounded up, or the waiter would wake a moment too early and find nothing.
    return level > 0 ? .zero : Span(nanoseconds: Int64((-level / rate) * 1e9) + 1_000_000)
  }

  mutating func take(_ bytes: Int64, _ now: Span) {
    fill(now)
    level -= Double(bytes)
  }
}
