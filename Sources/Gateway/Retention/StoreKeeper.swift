import Derive
import Journal
import Outbox
import Telemetry

/// Looks how full the store is and has done what the policy says. On the thread that derives.
final class StoreKeeper {
  private var policy: RetentionPolicy
  private let folder: String
  private let room: JournalRoom
  private let outbox: Outbox
  private let gate: IngestGate
  private let trustsClock: Bool
  private var hasLooked = false
  /// Wakes the session, which asks the gate.
  private let gateChanged: (Bool) -> Void
  private let log: (String) -> Void

  init(
    policy: RetentionPolicy, folder: String, room: JournalRoom, outbox: Outbox, gate: IngestGate, trustsClock: Bool,
    gateChanged: @escaping (Bool) -> Void, log: @escaping (String) -> Void
  ) {
    self.policy = policy
    self.folder = folder
    self.room = room
    self.outbox = outbox
    self.gate = gate
    self.trustsClock = trustsClock
    self.gateChanged = gateChanged
    self.log = log
  }

  /// How many segments one look deletes: a few milliseconds of writing, so that no commit waits for long.
  private static let trimStep = 256

  func keep(_ deriver: Deriver) {
    do {
      let journal = room.status
      // The journal's thread has yet to say what there is.
      guard !journal.uuid.isEmpty else { return }
      let held = deriver.rawHeldFrom
      let derivedBefore = min(try outbox.derivedBefore() ?? 0, held)
      let usage = StoreUsage(
        journalBytes: journal.bytes, messages: journal.messages, outboxBytes: outbox.bytesInUse,
        otherBytes: StoreFolder.otherBytes(folder), oldestSegment: journal.oldest_segment,
        newestSegment: journal.newest_segment, derivedBefore: derivedBefore,
        deliveredBefore: min(try outbox.deliveredBefore() ?? 0, held))
      let clock = ClockReading.now()
      let plan = policy.plan(usage, now: trustsClock || clock.synchronised ? clock.wall : nil)
      if let expire = plan.expire, usage.oldestSegment < expire.before {
        // With the kernel's trust only, a segment that was stamped before the clock was right has no age of its own.
        let rule = TrimRule(
          before: expire.before, olderThan: expire.olderThan, synchronisedOnly: !trustsClock,
          limit: StoreKeeper.trimStep)
        room.add(.trim(rule, forRoom: false))
      }
      if let before = plan.makeRoomBefore {
        room.add(.trim(TrimRule(before: before, limit: StoreKeeper.trimStep), forRoom: true))
      }
      // Without a limit too: what is delivered everywhere goes only here.
      let dropped = try outbox.enforceQuota(bytes: plan.outboxLimit ?? .max).droppedRecords.values.reduce(0, +)
      if dropped > 0 {
        log("the store is full: \(dropped) records that were never sent are dropped and accounted for")
      }
      if gate.set(plan.acceptsMessages) {
        if hasLooked || !plan.acceptsMessages {
          log(
            plan.acceptsMessages
              ? "there is room again: messages are read"
              : "the store is full: nothing is read, the broker keeps what comes")
        }
        gateChanged(plan.acceptsMessages)
      }
      hasLooked = true
    } catch {
      log("looking after the store: \(error)")
    }
  }
}
