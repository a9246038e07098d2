import Journal
import MQTT
import Synchronization
import Telemetry
import Threads

/// Where the session's messages go: into a batch, and from there to the journal's thread.
///
/// All of it but `acceptsMessages` happens on the session's thread.
final class IngestSink: MessageSink {
  private let room: JournalRoom
  private var batch: SegmentBuilder
  private let gate: IngestGate

  init(room: JournalRoom, gate: IngestGate) {
    self.room = room
    self.gate = gate
    batch = room.builder()
  }

  func append(_ message: borrowing IncomingMessage) {
    batch.append(
      topic: message.topic, payload: message.payload, packetID: message.packetID, qos: message.qos,
      retained: message.retained, receivedAt: SystemClock.wall)
  }

  func commit(completion: @escaping @Sendable (Result<Void, any Error>) -> Void) {
    let full = batch
    batch = room.builder()
    room.add(.commit(Handover(full), completion))
  }

  func discard() { batch.removeAll() }

  var acceptsMessages: Bool { gate.isOpen }
}
