import Derive
import Journal
import Outbox
import SQLite
import Synchronization
import Telemetry
import Threads
import Windows

/// Derives on a thread of its own, and between turns looks after the store.
///
/// Never needs the network, and never holds up the ingest: it only reads what the journal has.
final class DeriveRoom: Sendable {
  /// What others may ask while it works.
  struct Snapshot: Sendable {
    var counts = DeriveCounts()
    var position: Int64 = 0
    var rawNeededFrom: Int64 = 0
    var devices = 0
    var openWindows = 0
    var quarantine: [StatusReport.Quarantined] = []
    var activeAlarms: [AlarmRecord] = []
    var activeAlarmCount = 0
    var error: String?
  }

  private let snapshot: Mutex<Snapshot>
  private let stopping = Atomic(false)
  private let remaking = Atomic(false)
  /// Beats with each turn and each segment.
  let heartbeat = Heartbeat()
  /// Rings once a deriver has been made, at the start and after each `remake`.
  let made = Bell()
  private let committed: Bell
  private let suspicion: Suspicion
  private let log: @Sendable (String) -> Void
  private let gate: IngestGate
  private let full: @Sendable () -> Void
  private let fail: @Sendable (String) -> Void

  /// - Parameters:
  ///   - committed: rings when the journal has grown.
  ///   - journalPath: the file whose next opening must look closer where a damaged page is met.
  ///   - position: how far an earlier process came, to be told until this one has taken it up.
  ///   - gate: knows whether the disk has room.
  ///   - full: called where the disk has no room for what was derived.
  ///   - fail: called where only a new process can go on.
  init(
    committed: Bell, journalPath: String, position: Int64, gate: IngestGate, log: @escaping @Sendable (String) -> Void,
    full: @escaping @Sendable () -> Void, fail: @escaping @Sendable (String) -> Void
  ) {
    var snapshot = Snapshot()
    snapshot.position = position
    self.snapshot = Mutex(snapshot)
    suspicion = Suspicion(journal: journalPath)
    self.gate = gate
    self.committed = committed
    self.log = log
    self.full = full
    self.fail = fail
  }

  var current: Snapshot { snapshot.withLock { $0 } }

  func stop() {
    stopping.store(true, ordering: .relaxed)
    committed.ring()
  }

  /// The settings have changed: what is derived from now on is derived by the new ones. `made` rings once it is so.
  func remake() {
    remaking.store(true, ordering: .releasing)
    committed.ring()
  }

  /// How long the thread sleeps where nothing rings: late readings and the store's age are looked at by then.
  private static let idle = Span.seconds(1)
  /// How often status and store are looked at while there is much to derive.
  private static let housekeepingInterval = Span.milliseconds(500)
  /// And while the store is full, when messages wait for what is deleted.
  private static let pressedInterval = Span.milliseconds(250)

  /// Runs until `stop`; then derives what there is, and writes it.
  ///
  /// - Parameters:
  ///   - make: takes up where the deriver before it, or an earlier process, left off, which may mean to read the open
  ///     windows' messages again. Given the counts to go on from.
  ///   - watch: looks how full the store is while that can't be done.
  ///   - keep: looks after the store; called now and then between turns.
  func run(make: (DeriveCounts) throws -> Deriver, watch: () throws -> Void, keep: (Deriver) throws -> Void) {
    guard var deriver = begin(make, watch) else { return }
    var lastKept = Span.zero
    while !stopping.load(ordering: .relaxed) {
      heartbeat.beat()
      if remaking.exchange(false, ordering: .acquiring) {
        guard let next = follow(deriver, make, watch) else { return }
        deriver = next
      }
      let mark = committed.count()
      let now = SystemClock.monotonic
      var atHead = false
      var failed = false
      do {
        // On a full disk nothing new is derived: the last room is for marking what was delivered.
        if !gate.isClosed(by: .disk) {
          atHead = try deriver.turn(now: now, isPressed: !gate.isOpen)
          publish(deriver, error: nil)
        } else {
          failed = true
        }
      } catch {
        failed = true
        publish(deriver, error: String(describing: error))
        consider(error)
      }
      let interval = gate.isOpen ? DeriveRoom.housekeepingInterval : DeriveRoom.pressedInterval
      if now.nanoseconds - lastKept.nanoseconds >= interval.nanoseconds {
        lastKept = now
        do {
          try keep(deriver)
        } catch {
          consider(error)
        }
      }
      if failed {
        // What can't be written now is kept, and tried again with the next commit, or in a second.
        committed.wait(past: committed.count(), timeout: DeriveRoom.idle)
      } else if atHead {
        committed.wait(past: mark, timeout: gate.isOpen ? DeriveRoom.idle : DeriveRoom.pressedInterval)
      }
    }
    do {
      while try !deriver.turn(now: SystemClock.monotonic) {}
      try deriver.finish()
    } catch {
      log("what was derived last will be derived again at the next start: \(error)")
    }
    publish(deriver, error: nil)
  }

  /// The deriver by the new settings. What the old one has not written yet is derived again, and by the new ones.
  private func follow(
    _ deriver: Deriver, _ make: (DeriveCounts) throws -> Deriver, _ watch: () throws -> Void
  ) -> Deriver? {
    do {
      try deriver.finish()
    } catch {
      log("what was derived last is derived again by the new settings: \(error)")
    }
    return begin(make, watch, from: deriver.counts)
  }

  /// A start that fails (a full disk, say) is made anew each second, from the beginning: half of one is of no use.
  private func begin(
    _ make: (DeriveCounts) throws -> Deriver, _ watch: () throws -> Void, from counts: DeriveCounts = DeriveCounts()
  ) -> Deriver? {
    while !stopping.load(ordering: .relaxed) {
      heartbeat.beat()
      do {
        let deriver = try make(counts)
        made.ring()
        return deriver
      } catch {
        let text = String(describing: error)
        let isNews = snapshot.withLock { snapshot in
          defer { snapshot.error = text }
          return snapshot.error != text
        }
        if isNews { log("deriving can't begin: \(text)") }
        consider(error)
        try? watch()
        committed.wait(past: committed.count(), timeout: DeriveRoom.idle)
      }
    }
    return nil
  }

  /// Has room made on a full disk, and ends the process where nothing else helps.
  private func consider(_ error: any Error) {
    if (error as? DatabaseError)?.kind == .full { full() }
    if let error = error as? JournalError, error.kind == .damaged { suspicion.raise() }
    if DeriveRoom.needsNewProcess(error) { fail(String(describing: error)) }
  }

  /// After an I/O error nobody knows what is on flash, and a damaged file is mended only when it is opened.
  private static func needsNewProcess(_ error: any Error) -> Bool {
    switch error {
    case let error as OutboxError: error.code == .halted
    case let error as JournalError: error.kind == .damaged
    case let error as DatabaseError: error.kind == .io || error.kind == .corrupt
    default: false
    }
  }

  /// How many alarms the status lists; the rest is only counted.
  private static let shownAlarms = 100

  private func publish(_ deriver: Deriver, error: String?) {
    let active = deriver.activeAlarms
    let shown = active.sorted { $0.time > $1.time }.prefix(DeriveRoom.shownAlarms)
    let isNews = snapshot.withLock { snapshot in
      let old = snapshot.error
      snapshot = Snapshot(
        counts: deriver.counts, position: deriver.position, rawNeededFrom: deriver.rawNeededFrom,
        devices: deriver.deviceCount, openWindows: deriver.openWindowCount, quarantine: deriver.quarantine,
        activeAlarms: Array(shown), activeAlarmCount: active.count, error: error)
      return old != error
    }
    if isNews, let error { log("deriving waits: \(error)") }
  }
}
