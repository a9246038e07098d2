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
  }

  struct State: Sendable {
    var jobs: [Job] = []
    var stopping = false
    /// Emptied builders, whose memory is used again.
    var spare: Handover<SegmentBuilder>?
    var status = StatusReport.Journal()
    var trimmedForRoom: Int64 = 0
    /// On a full disk: when to try all the same.
    var nextProbe = Span.zero
  }

  /// Rings after every commit.
  let committed = Bell()
  private let work = Bell()
  private let state = Mutex(State())
  private let path: String
  private let gate: IngestGate
  private let controls: FaultControls
  private let log: @Sendable (String) -> Void

  init(
    path: String, gate: IngestGate, controls: FaultControls = FaultControls.ofProcess,
    log: @escaping @Sendable (String) -> Void
  ) {
    self.path = path
    self.gate = gate
    self.controls = controls
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

  /// Runs until `stop`, and until every job is done.
  func run(_ opened: JournalWriter, pacer: SegmentPacer) {
    var pacer = pacer
    var writer: JournalWriter? = opened
    note(opened)
    write(.started, &writer, &pacer)
    while true {
      let mark = work.count()
      let (job, stopping) = state.withLock { state in
        (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.stopping)
      }
      if let job {
        perform(job, &writer, &pacer)
        continue
      }
      if stopping { return }
      let now = SystemClock.monotonic
      if let due = pacer.due, due <= now {
        _ = append(SegmentBuilder(), &writer, &pacer)
        continue
      }
      lookForRoom(&writer)
      // A writer that must be opened anew, and a full disk, are tried again each second.
      let longest = writer == nil || !gate.hasDiskRoom ? Span.seconds(1) : .seconds(5)
      let untilDue = pacer.due.map { Span(nanoseconds: $0.nanoseconds - now.nanoseconds) }
      work.wait(past: mark, timeout: min(untilDue ?? longest, longest))
    }
  }

  private func perform(_ job: Job, _ writer: inout JournalWriter?, _ pacer: inout SegmentPacer) {
    switch job {
    case .commit(let handed, let completion):
      var builder = handed.value
      if controls.acknowledgesEarly { completion(.success(())) }
      let outcome = append(builder, &writer, &pacer)
      Failpoint.hit("journal.before-acknowledgement")
      if !controls.acknowledgesEarly { completion(outcome) }
      builder.removeAll()
      let spare = Handover(builder)
      state.withLock { $0.spare = spare }
    case .mark(let mark): write(mark, &writer, &pacer)
    case .trim(let rule, let forRoom): trim(rule, forRoom, writer)
    case .giveRoom: giveRoom(writer)
    }
  }

  private func write(_ mark: Mark, _ writer: inout JournalWriter?, _ pacer: inout SegmentPacer) {
    var builder = SegmentBuilder()
    let now = ClockReading.now().wall
    Array(Mark.topic.utf8).withUnsafeBytes { topic in
      Array(mark.rawValue.utf8).withUnsafeBytes { payload in
        builder.append(topic: topic, payload: payload, packetID: 0, qos: 0, retained: false, receivedAt: now)
      }
    }
    _ = append(builder, &writer, &pacer)
  }

  private func append(
    _ builder: SegmentBuilder, _ writer: inout JournalWriter?, _ pacer: inout SegmentPacer
  ) -> Result<Void, any Error> {
    let clock = ClockReading.now()
    let monotonic = SystemClock.monotonic
    // Time goes on for the pacer whatever comes of this: it must not be tried in a busy loop.
    pacer.wrote(at: clock.wall, monotonic: monotonic)
    do {
      let open = try writer ?? reopen()
      writer = open
      _ = try open.append(builder, clock: clock)
      note(open)
      state.withLock { $0.status.commits += 1 }
      committed.ring()
      return .success(())
    } catch {
      let text = String(describing: error)
      let isNews = state.withLock { state in
        defer { state.status.commit_error = text }
        return state.status.commit_error != text
      }
      if isNews { log(text) }
      if (error as? JournalError)?.kind == .full { giveRoom(writer) }
      // After a failed sync nothing that was written since the last good one may be trusted: never again in place.
      if writer?.mustReopen ?? false { writer = nil }
      return .failure(error)
    }
  }

  /// The disk is full. Nothing more is read; the reserve goes to what has to be deleted and delivered.
  private func giveRoom(_ writer: JournalWriter?) {
    writer?.releaseReserve()
    let nextProbe = Span(nanoseconds: SystemClock.monotonic.nanoseconds + JournalRoom.probeInterval.nanoseconds)
    state.withLock { $0.nextProbe = nextProbe }
    if gate.setDisk(hasRoom: false) { log("the disk is full: nothing is read, the broker keeps what comes") }
  }

  /// So much must be free before messages are read again: the reserve, and as much for what is under way.
  private static let enoughRoom: UInt64 = 3 << 20

  /// What was deleted leaves pages in the files that no figure of the disk shows: only a commit can tell.
  private static let probeInterval = Span.seconds(30)

  /// There is room again where others have left some, and not only we our reserve.
  private func lookForRoom(_ writer: inout JournalWriter?) {
    guard !gate.hasDiskRoom else { return }
    if writer == nil { writer = try? reopen() }
    var figures = statvfs()
    let isProbe = SystemClock.monotonic.nanoseconds >= state.withLock { $0.nextProbe.nanoseconds }
    guard let writer, statvfs(path, &figures) == 0 else { return }
    let isEnough = UInt64(figures.f_bavail) * UInt64(figures.f_frsize) >= JournalRoom.enoughRoom
    guard isEnough && writer.restoreReserve() || isProbe else { return }
    if gate.setDisk(hasRoom: true) { log("there is room on the disk again: messages are read") }
  }

  private func reopen() throws -> JournalWriter {
    var options = JournalWriter.Options()
    options.synchronous = controls.synchronous
    let writer = try JournalWriter(path: path, options: options)
    log("the journal is open again")
    return writer
  }

  private func note(_ writer: JournalWriter) {
    state.withLock { state in
      state.status.uuid = writer.uuid
      state.status.oldest_segment = writer.oldestID
      state.status.newest_segment = writer.newestID
      state.status.messages = writer.messageCount
      state.status.bytes = writer.bytesInUse
      state.status.commit_error = nil
    }
  }

  private func trim(_ rule: TrimRule, _ forRoom: Bool, _ writer: JournalWriter?) {
    guard let writer else { return }
    do {
      let trimmed = try writer.trim(rule)
      note(writer)
      if forRoom { state.withLock { $0.trimmedForRoom += Int64(trimmed) } }
    } catch {
      log("deleting old messages: \(error)")
    }
  }
}
