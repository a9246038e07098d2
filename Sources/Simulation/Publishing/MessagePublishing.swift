import Telemetry

/// What a simulation needs of an MQTT client: so that it can be tested without a broker.
///
/// Used from one thread, the one on which it was made. Acknowledgements go to the callback that the connector was
/// given, on any thread, possibly before `publish` has returned.
public protocol MessagePublishing {
  /// Hands a message over at QoS 1 without waiting for its acknowledgement. May wait a short while for room.
  ///
  /// - Parameter token: comes back with the acknowledgement; never 0, never used twice.
  /// - Returns: whether it was taken; where not (too many are under way, or there is no connection at the moment),
  ///   the same message is offered again.
  /// - Throws: where trying again is hopeless.
  func publish(topic: String, payload: [UInt8], retain: Bool, token: UInt64) throws -> Bool

  /// There is nothing to publish for so long: sends what is queued, takes acknowledgements in. Returns about when the
  /// time is over.
  func idle(for span: Span)

  /// Waits until all that was taken is acknowledged, at most `limit` long.
  func flush(within limit: Span) -> Bool

  /// Disconnects; what is not acknowledged by now never will be.
  func close()
}

/// Connects to a broker: URL, callback for acknowledged tokens.
public typealias Connector =
  @Sendable (String, @escaping @Sendable (UInt64) -> Void) throws -> any MessagePublishing
