import Derive
import Journal
import Outbox
import Telemetry

/// Looks how full the store is and has done what the policy says. On the thread that derives.
final class StoreKeeper {
  private var policy: RetentionPolicy
  private let room: JournalRoom
  private let outbox: Outbox
  private let gate: IngestGate
  private let trustsClock: Bool
  /// Wakes the session, which asks the gate.
  private let gateChanged: (Bool) -> Void
  private let log: (String) -> Void

  init(
    policy: RetentionPolicy, room: JournalRoom, outbox: Outbox, gate: IngestGate, trustsClock: Bool,
    gateChanged: @escaping (Bool) -> Void, log: @escaping (String) -> Void
  ) {
    self.policy = policy
    self.room = room
    self.outbox = outbox
    self.gate = gate
    self.trustsClock = trustsClock
    self.gateChanged = gateChanged
    self.log = log
  }

  func keep(_ deriver: Deriver) {
    do {
      let journal = room.status
      let derivedBefore = try outbox.derivedBefore() ?? 0
      let usage = StoreUsage(
        journalBytes: journal.bytes, outboxBytes: outbox.bytesInUse, oldestSegment: journal.oldest_segment,
        newestSegment: journal.newest_segment, derivedBefore: derivedBefore,
        deliveredBefore: try outbox.deliveredBefore() ?? 0)
      let clock = ClockReading.now()
      let plan = policy.plan(usage, now: trustsClock || clock.synchronised ? clock.wall : nil)
      if let expire = plan.expire, usage.oldestSegment < expire.before {
        room.add(.trim(before: expire.before, olderThan: expire.olderThan))
      }
      if let before = plan.makeRoomBefore { room.add(.trim(before: before, olderThan: nil)) }
      if let limit = plan.outboxLimit {
        let dropped = outbox.droppedRecords
        _ = try outbox.enforceQuota(bytes: limit)
        let more = outbox.droppedRecords - dropped
        if more > 0 { log("the store is full: \(more) records that were never sent are dropped and accounted for") }
      }
      if gate.set(plan.acceptsMessages) {
        log(
          plan.acceptsMessages
            ? "there is room again: messages are read" : "the store is full: nothing is read, the broker keeps what comes")
        gateChanged(plan.acceptsMessages)
      }
    } catch {
      log("looking after the store: \(error)")
    }
  }
}
