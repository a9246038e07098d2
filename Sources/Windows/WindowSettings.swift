import Telemetry

/// How readings are cut into windows.
public struct WindowSettings: Sendable, Equatable {
  /// The shortest; windows are `[k·length, (k+1)·length)` since the epoch, in event time.
  public var length: Span
  /// Longer ones, ascending, each a multiple of the one before. Their windows are made of the shorter ones.
  public var longer: [Span]
  /// How long after its end a window waits before it is first sealed.
  public var grace: Span
  /// How late a reading may still revise a sealed window.
  public var lateness: Span
  /// How long a silent device still gets its (empty) records.
  public var retirement: Span

  /// So many devices of a window keep the last 32 readings of counters and states in order of time, others the last few:
  /// 1 KB for each such series, some 10 MB, and more devices than most boxes know. Only what a window costs depends on
  /// it, never what its record says.
  public var roomyDevices = 1000

  public init(
    length: Span = .minutes(5), longer: [Span] = [], grace: Span = .seconds(10), lateness: Span = .hours(24),
    retirement: Span = .hours(24)
  ) {
    self.length = length
    self.longer = longer
    self.grace = grace
    self.lateness = lateness
    self.retirement = retirement
  }

  /// All lengths, ascending.
  public var lengths: [Span] { [length] + longer }
}
