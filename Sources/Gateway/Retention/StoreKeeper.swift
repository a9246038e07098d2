import Derive
import Journal
import Outbox
import Settings
import Telemetry

/// Looks how full the store is and has done what the policy says. On the thread that derives.
final class StoreKeeper {
  private var policy: RetentionPolicy
  private let folder: String
  private let room: JournalRoom
  private let outbox: Outbox
  private let incidents: IncidentLog
  private let gate: IngestGate
  private var trustsClock: Bool
  private var hasLooked = false
  /// The last look has forgotten windows.
  private var forgot = false
  private let log: (String) -> Void
  private let desk: DeadLetterDesk
  /// What was told last, so that a full disk is told once.
  private var trouble: String?

  init(
    policy: RetentionPolicy, folder: String, room: JournalRoom, outbox: Outbox, incidents: IncidentLog,
    gate: IngestGate, trustsClock: Bool, log: @escaping (String) -> Void
  ) {
    self.policy = policy
    self.folder = folder
    self.room = room
    self.outbox = outbox
    self.incidents = incidents
    self.gate = gate
    self.trustsClock = trustsClock
    self.log = log
    desk = DeadLetterDesk(store: folder, outbox: outbox, log: log)
  }

  /// What a reload may change.
  func follow(_ settings: GatewaySettings) {
    policy.maxSize = settings.store.maxSize.bytes
    policy.rawRetention = settings.store.rawRetention
    trustsClock = settings.trust == .always
  }

  /// How many segments one look deletes: a few milliseconds of writing, so that no commit waits for long.
  private static let trimStep = 256

  /// Whether messages may be read, before anything was derived: nothing goes yet.
  func begin() throws {
    tellGate(policy.plan(try usage(heldFrom: .max), now: nil))
  }

  /// - Throws: what was told already, for whoever must do something about it.
  func keep(_ deriver: Deriver) throws {
    do {
      try look(deriver)
      try incidents.tell(outbox)
      try desk.look()
      trouble = nil
    } catch {
      let text = "looking after the store: \(error)"
      if text != trouble { log(text) }
      trouble = text
      throw error
    }
  }

  private func look(_ deriver: Deriver) throws {
    let usage = try usage(heldFrom: deriver.rawHeldFrom)
    let clock = ClockReading.now()
    let plan = policy.plan(
      usage, now: trustsClock || clock.synchronised ? clock.wall : nil)
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
    let forgetting = try plan.outboxLimit == nil ? .nothing : deriver.forgetOldest()
    if forgetting == .went, !forgot {
      log("the store is full: old windows are forgotten, and readings that come for them yet are too late")
    }
    forgot = forgetting == .went
    // Without a limit too: what is delivered everywhere goes only here.
    let limit = forgetting == .nothing ? plan.outboxLimit : nil
    let dropped = try outbox.enforceQuota(
      bytes: limit ?? .max, optionalBytes: policy.maxSize / 10
    ).droppedRecords.values.reduce(0, +)
    if dropped > 0 {
      log("the store is full: \(dropped) records that were never sent are dropped and accounted for")
    }
    tellGate(plan)
  }

  private func usage(heldFrom held: Int64) throws -> StoreUsage {
    let journal = room.status
    return StoreUsage(
      journalBytes: journal.bytes, messages: journal.messages, outboxBytes: outbox.bytesInUse,
      otherBytes: StoreFolder.otherBytes(folder), oldestSegment: journal.oldest_segment,
      newestSegment: journal.newest_segment, derivedBefore: try outbox.derivedBefore() ?? 0,
      deliveredBefore: min(try outbox.deliveredBefore() ?? 0, held), heldFrom: held)
  }

  private func tellGate(_ plan: RetentionPolicy.Plan) {
    if gate.set(plan.acceptsMessages, by: .quota), hasLooked || !plan.acceptsMessages {
      log(
        plan.acceptsMessages
          ? "there is room again: messages are read"
          : "the store is full: nothing is read, the broker keeps what comes")
    }
    hasLooked = true
  }
}
