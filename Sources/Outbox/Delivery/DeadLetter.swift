import Telemetry

/// A record that a destination refused for good, kept for someone to look at.
public struct DeadLetter: Sendable, Equatable {
  public let destination: String
  public let lane: Lane
  /// The numbers that it covers; the same but for an accounting record or a batch that can't be read.
  public let first: Int64
  public let last: Int64
  /// By the box's clock, trusted or not.
  public let time: Timestamp
  public let reason: String
  /// The record's JSON; the batch's raw bytes where it can't be read.
  public let record: [UInt8]

  /// Kept at most; beyond it the oldest go. A receiver that refuses everything is noticed after ten.
  static let limit = 10_000
}
