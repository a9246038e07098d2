import Decoding
import Logging
import MQTT
import Telemetry

/// Asks nodes of Sparkplug B for the births that their messages can't be understood without.
struct BirthCaller: Sendable {
  /// What was received longer ago comes from a journal that is read again: its node has been born since.
  static let patience = Span.seconds(60)

  let isOn: Bool
  let session: Session
  let logger: Logger

  /// - Parameter now: by the clock that stamps what is received.
  func ask(for requests: [RebirthRequest], at now: Timestamp) {
    guard isOn else { return }
    for request in requests where now - request.wantedAt < BirthCaller.patience {
      logger.info("asking for a birth: \(request.topic)")
      session.request(topic: request.topic, payload: request.payload(at: now))
    }
  }
}
