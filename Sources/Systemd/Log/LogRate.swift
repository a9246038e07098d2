import Telemetry

/// Decides which lines of a log are written: a fault that repeats must neither fill the flash nor hide the others.
///
/// A value without clocks. `burst` lines may come at once, and in each `interval` as many again; what is left out is
/// counted, and told once a line may be written again.
public struct LogRate: Sendable {
  public enum Verdict: Sendable, Equatable {
    /// - leftOut: how many lines were left out since the last one that was written.
    case write(leftOut: Int)
    case leaveOut
  }

  private let burst: Int
  private let interval: Span
  private var tokens: Double
  private var last: Span?
  private var leftOut = 0

  /// The defaults are below what the unit's `LogRateLimitBurst=` lets through, so that the count is ours to tell.
  public init(burst: Int = 200, interval: Span = .seconds(30)) {
    self.burst = burst
    self.interval = interval
    tokens = Double(burst)
  }

  /// - Parameter now: a monotonic clock.
  public mutating func ask(at now: Span) -> Verdict {
    let passed = Double(now.nanoseconds - (last ?? now).nanoseconds) / Double(interval.nanoseconds)
    last = now
    tokens = min(Double(burst), tokens + passed * Double(burst))
    guard tokens >= 1 else {
      leftOut += 1
      return .leaveOut
    }
    tokens -= 1
    defer { leftOut = 0 }
    return .write(leftOut: leftOut)
  }
}
