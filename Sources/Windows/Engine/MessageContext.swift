import Telemetry

/// What a reading's message adds to it.
public struct MessageContext: Sendable {
  /// Differs from message to message, and grows.
  public var sequence: Int64
  /// The journal's segment that holds the message.
  public var segment: Int64
  public var receivedAt: Timestamp
  public var retained: Bool
  /// Whether the clock that stamped the receipt is trusted.
  public var quality: TimeQuality

  public init(sequence: Int64, segment: Int64, receivedAt: Timestamp, retained: Bool, quality: TimeQuality) {
    self.sequence = sequence
    self.segment = segment
    self.receivedAt = receivedAt
    self.retained = retained
    self.quality = quality
  }
}
