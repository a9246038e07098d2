import Telemetry

/// One message as it came. A view into its segment: `topic` and `payload` are valid only within the closure that it
/// was handed to; copy what must outlive it.
public struct StoredMessage {
  public let topic: UnsafeRawBufferPointer
  public let payload: UnsafeRawBufferPointer
  /// The MQTT packet id under which the broker delivered it; 0 at QoS 0.
  public let packetID: UInt16
  public let qos: UInt8
  /// The retain flag as it came: the broker had it from before the subscription.
  public let retained: Bool
  /// When it came, by the wall clock of that moment, in whole milliseconds.
  public let receivedAt: Timestamp
}
