import Telemetry

/// What became of a message's readings.
public struct Placement: Sendable, Equatable {
  public struct Late: Sendable, Equatable, Hashable {
    public var start: Timestamp
    /// `Device.index`.
    public var device: Int
    /// Far in the future of the gateway's clock, rather than in the past.
    public var isAhead: Bool
  }

  /// Windows that are sealed already, or not to be waited for: they must be computed from the journal.
  public var late: [Late] = []
  /// Readings older than `lateness`: in no window.
  public var tooLate = 0

  public init() {}

  mutating func note(_ start: Timestamp, _ device: Int, isAhead: Bool) {
    let found = Late(start: start, device: device, isAhead: isAhead)
    if !late.contains(found) { late.append(found) }
  }
}
