/// A message as it came. Views, valid within the call only.
public struct IncomingMessage: ~Copyable {
  /// UTF-8, without a terminating NUL.
  public let topic: UnsafeRawBufferPointer
  public let payload: UnsafeRawBufferPointer
  /// Names the message on the wire until it is acknowledged; 0 at QoS 0.
  public let packetID: UInt16
  /// 0 or 1.
  public let qos: UInt8
  /// It came because of a subscription, out of the broker's store: a state, not a reading.
  public let retained: Bool

  public init(
    topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, packetID: UInt16, qos: UInt8, retained: Bool
  ) {
    self.topic = topic
    self.payload = payload
    self.packetID = packetID
    self.qos = qos
    self.retained = retained
  }
}

/// Where messages go. All calls come on the session's thread, except that `completion` may be called from any.
public protocol MessageSink: AnyObject {
  /// Takes a copy of the message into the batch that gathers.
  func append(_ message: borrowing IncomingMessage)
  /// Makes durable what was appended since the last commit, and calls `completion` exactly once. On failure the sink
  /// throws away what was appended: the broker delivers it again.
  func commit(completion: @escaping @Sendable (Result<Void, any Error>) -> Void)
  /// Throws away what was appended since the last commit: the connection broke, the broker delivers it again.
  func discard()
  /// False while the store is full: the session then stops reading, and asks again when poked, and each second.
  var acceptsMessages: Bool { get }
}
