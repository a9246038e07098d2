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

/// Whether the store has room for more: by the word of whoever watches the quota, and of the journal, which meets the
/// disk's end first.
final class IngestGate: Sendable {
  /// Closed until somebody has looked: a gateway that is cut off again and again must not outgrow its quota.
  private let open = Atomic(false)
  private let diskHasRoom = Atomic(true)

  var isOpen: Bool { open.load(ordering: .relaxed) && diskHasRoom.load(ordering: .relaxed) }

  /// Returns whether that was news.
  func set(_ isOpen: Bool) -> Bool { open.exchange(isOpen, ordering: .relaxed) != isOpen }

  /// Returns whether that was news.
  func setDisk(hasRoom: Bool) -> Bool { diskHasRoom.exchange(hasRoom, ordering: .relaxed) != hasRoom }

  var hasDiskRoom: Bool { diskHasRoom.load(ordering: .relaxed) }
}
