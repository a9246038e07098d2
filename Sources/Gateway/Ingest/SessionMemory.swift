import Journal
import MQTT

/// Tells the session what an earlier process committed, so that what the broker sends again is known, and the redactor
/// which births it had.
enum SessionMemory {
  /// How many committed messages the broker may still send again: the Receive Maximum.
  static let redeliverable = 65_535
  /// What is held of the journal at a time, decompressed; one segment at least.
  private static let bytes = 1 << 20

  /// Reads forward, a little at a time: neither the journal's length nor the messages' size is held in memory.
  static func fill(_ session: Session, _ redactor: Redactor, _ reader: JournalReader) throws {
    let newest = reader.newestID
    var after = try reader.firstID(ofLast: redeliverable) - 1
    while after < newest {
      let items = try reader.segments(after: after, through: newest, maxBytes: bytes)
      guard let last = items.last else { return }
      after = last.id
      for case .segment(let segment) in items {
        segment.forEach { message in
          redactor.learn(message)
          guard message.qos > 0 else { return }
          session.remember(packetID: message.packetID, topic: message.topic, payload: message.payload)
        }
      }
    }
  }
}
