import Telemetry

/// What a reading's message adds to it.
public struct MessageContext: Sendable {
  /// Differs from message to message, and grows.
  public var sequence: Int64
  /// The journal's segment that holds the message.
  public var segment: Int64
  /// By the gateway's clock as it is known now.
  public var receivedAt: Timestamp
  public var retained: Bool
  /// Whether the clock that stamped the receipt is trusted.
  public var quality: TimeQuality
  /// Equal for equal topics and payloads; 0 where nobody looks.
  public var content: UInt64
  /// Time of receipt less the payload's own, where the payload bears one and the clock is trusted.
  public var offset: Span?

  public init(
    sequence: Int64, segment: Int64, receivedAt: Timestamp, retained: Bool, quality: TimeQuality, content: UInt64 = 0,
    offset: Span? = nil
  ) {
    self.sequence = sequence
    self.segment = segment
    self.receivedAt = receivedAt
    self.retained = retained
    self.quality = quality
    self.content = content
    self.offset = offset
  }
}
