import Derive
import Glibc
import Journal
import Synchronization
import Telemetry
import Threads

/// The journal's one writer, on a thread of its own. Whoever wants something written leaves a job; the thread does one
/// after another.
final class JournalRoom: Sendable {
  enum Job: Sendable {
    case commit(Handover<SegmentBuilder>, @Sendable (Result<Void, any Error>) -> Void)
    case mark(Mark)
    case trim(TrimRule, forRoom: Bool)
    /// Somebody else met the disk's end.
    case giveRoom
    /// Windows or rules have changed.
    case pace(SegmentPacer)
  }

  struct State: Sendable {
    var jobs: [Job] = []
    var stopping = false
    /// Emptied builders, whose memory is used again.
    var spare: Handover<SegmentBuilder>?
    var status = StatusReport.Journal()
    var trimmedForRoom: Int64 = 0
  }

  /// Rings after every commit.
  let committed = Bell()
  /// Beats with each job, and every few seconds without one.
  let heartbeat = Heartbeat()
  private let work = Bell()
  private let state = Mutex(State())
  private let path: String
  private let gate: IngestGate
  private let controls: FaultControls
  private let opened: @Sendable (OpenReport, String) -> Void
  private let log: @Sendable (String) -> Void

  /// - Parameters:
  ///   - gate: closed while nothing can be written.
  ///   - opened: told what opening the journal anew found, with its UUID.
  init(
    path: String, gate: IngestGate, controls: FaultControls = FaultControls.ofProcess,
    opened: @escaping @Sendable (OpenReport, String) -> Void = { _, _ in }, log: @escaping @Sendable (String) -> Void
  ) {
    self.path = path
    self.gate = gate
    self.controls = controls
    self.opened = opened
    self.log = log
  }

  // MARK: For others

  func add(_ job: Job) {
    state.withLock { $0.jobs.append(job) }
    work.ring()
  }

  /// A builder to fill: an emptied one where there is one.
  func builder() -> SegmentBuilder {
    state.withLock { state in
      defer { state.spare = nil }
      return state.spare?.value ?? SegmentBuilder()
    }
  }

  var status: StatusReport.Journal { state.withLock { $0.status } }
  var trimmedForRoom: Int64 { state.withLock { $0.trimmedForRoom } }

  func stop() {
    state.withLock { $0.stopping = true }
    work.ring()
  }

  // MARK: The thread

  /// What the thread has in hand.
  private struct Desk {
    /// `nil` after an error that only opening the journal anew can end.
    var writer: JournalWriter?
    var pacer: SegmentPacer
    var refusal = StoreRefusal()
    /// What was told last of trims, so that a full disk is told once.
    var trimTrouble: String?
    /// When the disk was last met full.
    var lastFull = Span.zero
  }

  /// Runs until `stop`, and until every job is done. What the writer holds must have been told by `note`.
  func run(_ opened: JournalWriter, pacer: SegmentPacer) {
    var desk = Desk(writer: opened, pacer: pacer)
    write(.started, &desk)
    while true {
      heartbeat.beat()
      let mark = work.count()
      let (job, stopping) = state.withLock { state in
        (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.stopping)
      }
      if let job {
        perform(job, &desk)
        continue
      }
      if stopping { return }
      let now = SystemClock.monotonic
      lookAgain(&desk, now)
      // While the store refuses, the look itself writes the mark of time.
      let due = desk.refusal.due ?? desk.pacer.due
      if !desk.refusal.isRefusing, let due, due <= now {
        _ = append(SegmentBuilder(), &desk)
        continue
      }
      let untilDue = due.map { Span(nanoseconds: $0.nanoseconds - now.nanoseconds) }
      work.wait(past: mark, timeout: min(untilDue ?? JournalRoom.longestWait, JournalRoom.longestWait))
    }
  }

  private static let longestWait = Span.seconds(5)

  private func perform(_ job: Job, _ desk: inout Desk) {
    switch job {
    case .commit(let handed, let completion):
      var builder = handed.value
      if controls.acknowledgesEarly { completion(.success(())) }
      let outcome = append(builder, &desk)
      Failpoint.hit("journal.before-acknowledgement")
      if !controls.acknowledgesEarly { completion(outcome) }
      builder.removeAll()
      let spare = Handover(builder)
      state.withLock { $0.spare = spare }
    case .mark(let mark): write(mark, &desk)
    case .trim(let rule, let forRoom): trim(rule, forRoom, &desk)
    case .giveRoom: refuse(&desk, lacksRoom: true, SystemClock.monotonic)
    case .pace(let pacer): desk.pacer = pacer.goingOn(from: desk.pacer)
    }
  }

  private func write(_ mark: Mark, _ desk: inout Desk) {
    var builder = SegmentBuilder()
    let now = ClockReading.now().wall
    Array(Mark.topic.utf8).withUnsafeBytes { topic in
      Array(mark.rawValue.utf8).withUnsafeBytes { payload in
        builder.append(topic: topic, payload: payload, packetID: 0, qos: 0, retained: false, receivedAt: now)
      }
    }
    _ = append(builder, &desk)
  }

  private func append(_ builder: SegmentBuilder, _ desk: inout Desk) -> Result<Void, any Error> {
    let clock = ClockReading.now()
    let monotonic = SystemClock.monotonic
    // Time goes on for the pacer whatever comes of this: it must not be tried in a busy loop.
    desk.pacer.wrote(at: clock.wall, monotonic: monotonic)
    do {
      let open = try desk.writer ?? reopen()
      desk.writer = open
      _ = try open.append(builder, clock: clock)
      note(open)
      state.withLock { $0.status.commits += 1 }
      committed.ring()
      return .success(())
    } catch {
      refused(error, &desk, monotonic)
      return .failure(error)
    }
  }

  // MARK: A store that refuses

  private func refused(_ error: any Error, _ desk: inout Desk, _ now: Span) {
    let text = String(describing: error)
    let isNews = state.withLock { state in
      defer { state.status.commit_error = text }
      return state.status.commit_error != text
    }
    if isNews { log(text) }
    // After a failed sync nothing that was written since the last good one may be trusted: never again in place.
    if desk.writer?.mustReopen ?? false { desk.writer = nil }
    refuse(&desk, lacksRoom: (error as? JournalError)?.kind == .full, now)
  }

  /// Nothing more is read. On a full disk the reserve goes to what has to be deleted and delivered.
  private func refuse(_ desk: inout Desk, lacksRoom: Bool, _ now: Span) {
    desk.refusal.refused(lacksRoom: lacksRoom, now: now)
    if lacksRoom {
      desk.lastFull = now
      desk.writer?.releaseReserve()
    }
    tellGate(desk.refusal)
  }

  /// Finds out whether the store takes something again.
  private func lookAgain(_ desk: inout Desk, _ now: Span) {
    switch desk.refusal.look(now: now) {
    case .none: return
    case .makeSureOfRoom:
      if desk.writer == nil { desk.writer = try? reopen() }
      let isProbe = now.nanoseconds - desk.lastFull.nanoseconds >= JournalRoom.probeInterval.nanoseconds
      guard hasRoom(desk.writer) || isProbe else { return }
    case .write: break
    }
    guard case .success = append(SegmentBuilder(), &desk) else { return }
    desk.refusal.recovered()
    state.withLock { $0.status.commit_error = nil }
    log("the journal takes messages again")
    tellGate(desk.refusal)
  }

  /// So much must be free before messages are read again: the reserve, and as much for what is under way.
  private static let enoughRoom: UInt64 = 3 << 20
  /// What was deleted leaves pages in the files that no figure of the disk shows: only a commit can tell. Seldom, for
  /// it takes of the reserve's space, which what is delivered needs.
  private static let probeInterval = Span.seconds(30)

  /// There is room again where others have left some, and not only we our reserve.
  private func hasRoom(_ writer: JournalWriter?) -> Bool {
    var figures = statvfs()
    guard let writer, statvfs(path, &figures) == 0 else { return false }
    let isEnough = UInt64(figures.f_bavail) * UInt64(figures.f_frsize) >= JournalRoom.enoughRoom
    return isEnough && writer.restoreReserve()
  }

  private func tellGate(_ refusal: StoreRefusal) {
    let lacksRoom = refusal.lacksRoom
    if gate.set(!lacksRoom, by: .disk), lacksRoom {
      log("the disk is full: nothing is read, the broker keeps what comes")
    }
    gate.set(!refusal.isRefusing || lacksRoom, by: .journal)
  }

  private func reopen() throws -> JournalWriter {
    var options = JournalWriter.Options()
    options.synchronous = controls.synchronous
    let writer = try JournalWriter(path: path, options: options)
    opened(writer.openReport, writer.uuid)
    return writer
  }

  /// Tells others what the journal holds.
  func note(_ writer: JournalWriter) {
    state.withLock { state in
      state.status.uuid = writer.uuid
      state.status.oldest_segment = writer.oldestID
      state.status.newest_segment = writer.newestID
      state.status.messages = writer.messageCount
      state.status.bytes = writer.bytesInUse
    }
  }

  private func trim(_ rule: TrimRule, _ forRoom: Bool, _ desk: inout Desk) {
    guard let writer = desk.writer else { return }
    do {
      let trimmed = try writer.trim(rule)
      note(writer)
      if forRoom { state.withLock { $0.trimmedForRoom += Int64(trimmed) } }
      desk.trimTrouble = nil
    } catch {
      let text = "deleting old messages: \(error)"
      if text != desk.trimTrouble { log(text) }
      desk.trimTrouble = text
      // A writer that met an I/O error or damage here is of no more use to commits either.
      if writer.mustReopen { refused(error, &desk, SystemClock.monotonic) }
    }
  }
}
