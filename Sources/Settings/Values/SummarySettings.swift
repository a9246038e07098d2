import Telemetry

/// `[summary]`: how readings are gathered into windows.
public struct SummarySettings: Sendable, Hashable {
  /// At least one; each but the first is a multiple of the one before, and longer.
  public var windows: [Span]
  /// How long after its end a window waits before it is first sealed.
  public var grace: Span
  /// How late a reading may still revise a sealed window.
  public var lateness: Span

  public init(windows: [Span] = [.minutes(5)], grace: Span = .seconds(10), lateness: Span = .hours(24)) {
    self.windows = windows
    self.grace = grace
    self.lateness = lateness
  }
}
