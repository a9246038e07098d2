import Telemetry

/// How a message came.
public struct Reception: Sendable {
  public var receivedAt: Timestamp
  /// Whether `receivedAt` was read from a clock that is known to be right; only then may it judge a device's clock.
  public var clockTrusted: Bool
  /// The message was kept by the broker and came because of a subscription. It is decoded like any other.
  public var retained: Bool
  /// The message's place in the order in which all came: a message that is read again has the same one, and is read with
  /// what was known when it came. `nil`: it comes after all before it.
  public var sequence: Int64?

  public init(receivedAt: Timestamp, clockTrusted: Bool = true, retained: Bool = false, sequence: Int64? = nil) {
    self.receivedAt = receivedAt
    self.clockTrusted = clockTrusted
    self.retained = retained
    self.sequence = sequence
  }
}
