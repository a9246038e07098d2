import Glibc
import MQTT
import Telemetry

/// Publishes to a real broker: one connection for the whole district, which is kept up through restarts of the
/// broker. What was under way then is sent again, so a broker may get a message twice that is recorded once.
final class BrokerPublisher: MessagePublishing {
  /// How long a message may wait for room before other things (progress, stopping) are seen to.
  private static let patience = 50
  /// A broker that is just starting is waited for.
  private static let connectTime = 10_000

  private let address: BrokerAddress
  private let publisher: Publisher

  /// - Throws: `SimulationError` where the URL is none, or nobody answers within 10 s.
  init(url: String, acknowledged: @escaping @Sendable (UInt64) -> Void) throws(SimulationError) {
    guard let address = BrokerAddress(url: url) else {
      throw .option("\(url) is no broker's URL; write mqtt://HOST, mqtt://HOST:PORT, or mqtts:// for TLS")
    }
    self.address = address
    // The process's number keeps two simulations from throwing each other out.
    publisher = Publisher(
      configuration: PublisherConfiguration(address: address, clientID: "lumbung-simulate-\(getpid())")
    ) { token, refusal in
      if refusal == nil { acknowledged(token) }
    }
    do {
      try publisher.connect(within: BrokerPublisher.connectTime)
    } catch {
      throw .broker(url, "\(error)")
    }
  }

  func publish(topic: String, payload: [UInt8], retain: Bool, token: UInt64) throws -> Bool {
    do {
      try publisher.publish(
        topic: topic, payload: payload, qos: 1, retain: retain, token: token, within: BrokerPublisher.patience)
      return true
    } catch {
      guard error.kind == .backpressure else { throw SimulationError.broker("\(address)", "\(error)") }
      return false
    }
  }

  func idle(for span: Span) {
    publisher.pump(for: Int((span.nanoseconds + 999_999) / 1_000_000))
  }

  func flush(within limit: Span) -> Bool { publisher.flush(within: Int(limit.milliseconds)) }

  func close() { publisher.close() }
}

extension Simulation {
  /// A simulation that publishes to the broker of its options.
  ///
  /// - Throws: where an option makes no sense.
  public init(_ options: SimulationOptions) throws(SimulationError) {
    try self.init(options) { try BrokerPublisher(url: $0, acknowledged: $1) }
  }
}
