import Telemetry

/// What a destination still lacks of one lane.
public struct LaneBacklog: Sendable, Equatable {
  public let lane: Lane
  public internal(set) var records: Int64 = 0
  public internal(set) var batches: Int64 = 0
}
