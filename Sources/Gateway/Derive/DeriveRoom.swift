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

  private let snapshot = Mutex(Snapshot())
  private let stopping = Atomic(false)
  private let committed: Bell
  private let log: @Sendable (String) -> Void
  private let gate: IngestGate
  private let full: @Sendable () -> Void
  private let fail: @Sendable (String) -> Void

  /// - Parameters:
  ///   - committed: rings when the journal has grown.
  ///   - gate: knows whether the disk has room.
  ///   - full: called where the disk has no room for what was derived.
  ///   - fail: called where only a new process can go on.
  init(
    committed: Bell, gate: IngestGate, log: @escaping @Sendable (String) -> Void,
    full: @escaping @Sendable () -> Void, fail: @escaping @Sendable (String) -> Void
  ) {
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

  /// How long the thread sleeps where nothing rings: late readings and the store's age are looked at by then.
  private static let idle = Span.seconds(1)
  /// How often status and store are looked at while there is much to derive.
  private static let housekeepingInterval = Span.milliseconds(500)

  /// Runs until `stop`; then derives what there is, and writes it.
  ///
  /// - Parameter keep: looks after the store; called now and then between turns.
  func run(_ deriver: Deriver, keep: (Deriver) -> Void) {
    var lastKept = Span.zero
    while !stopping.load(ordering: .relaxed) {
      let mark = committed.count()
      let now = SystemClock.monotonic
      var atHead = false
      var failed = false
      do {
        // On a full disk nothing new is derived: the last room is for marking what was delivered.
        if gate.hasDiskRoom {
          atHead = try deriver.turn(now: now)
          publish(deriver, error: nil)
        } else {
          failed = true
        }
      } catch {
        failed = true
        publish(deriver, error: String(describing: error))
        if (error as? DatabaseError)?.kind == .full { full() }
        if DeriveRoom.needsNewProcess(error) { fail(String(describing: error)) }
      }
      if now.nanoseconds - lastKept.nanoseconds >= DeriveRoom.housekeepingInterval.nanoseconds {
        lastKept = now
        keep(deriver)
      }
      if failed {
        // What can't be written now is kept, and tried again with the next commit, or in a second.
        committed.wait(past: committed.count(), timeout: DeriveRoom.idle)
      } else if atHead {
        committed.wait(past: mark, timeout: DeriveRoom.idle)
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

  /// After an I/O error nobody knows what is on flash, and a damaged file is mended only when it is opened.
  private static func needsNewProcess(_ error: any Error) -> Bool {
    switch error {
    case let error as OutboxError: error.code == .halted
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
