import Derive
import Logging
import MQTT

/// What the session tells, as lines for the log and as marks in the journal.
enum SessionLog {
  static func note(_ event: SessionEvent, _ room: JournalRoom, _ logger: Logger) {
    switch event {
    case .connected(let version, let present):
      room.add(.mark(.connected))
      logger.info("connected to the broker (MQTT \(version), session \(present ? "present" : "new"))")
    case .disconnected(let error):
      room.add(.mark(.disconnected))
      logger.warning("connection to the broker lost: \(error)")
    case .connectFailed(let error, let wait):
      logger.warning("\(error); next try in \(wait) ms")
    case .fellBack(let version): logger.info("the broker refused MQTT 5; going on with MQTT \(version)")
    case .commitFailed(let error): logger.error("\(error); nothing of it is acknowledged, the broker sends it again")
    case .commitOverdue: logger.error("a commit hangs; the connection is closed until it ends")
    case .paused: logger.warning("reading stops: the store takes nothing")
    case .resumed: logger.info("reading goes on")
    case .subscriptionRefused(let filter, let reason):
      logger.error("the broker refused the subscription \(filter): \(reason); check its access control list")
    case .oversized(let topic, let bytes):
      logger.warning("\(topic): \(bytes) bytes are more than a message may have; acknowledged and not kept")
    case .brokerDropped(let count):
      logger.warning("the broker says it has dropped \(count) messages; raise its max_queued_messages")
    case .stopped: logger.info("left the broker; it keeps the session")
    }
  }
}
