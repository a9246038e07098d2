import Glibc
import Threads

/// The session's thread: asks the decisions what to do, does it, and tells them what happened.
///
/// `SessionLoop+Connection.swift` holds what opens and ends connections, `SessionLoop+Callbacks.swift` what the
/// library reports.
final class SessionLoop {
  /// From opening the socket to the broker's answer.
  static let handshakeTime: Int64 = 20_000_000_000
  /// The longest sleep: keepalive is counted in seconds, and a full sink is asked each second.
  static let tick: Int64 = 1_000_000_000
  /// The queue is a few kilobytes and leaves in a few writes. TLS can ask for a write that an empty queue never makes;
  /// a new connection ends that.
  static let mostUnfinishedWrites = 1000
  /// POLLRDHUP: the other side will send no more. Linux has it, Swift's Glibc doesn't show it.
  static let peerClosed: Int32 = 0x2000

  let configuration: SessionConfiguration
  let sink: any MessageSink
  let mailbox: SessionMailbox
  let events: @Sendable (SessionEvent) -> Void

  var client: Client?
  var gate = AckGate()
  var pacing: CommitPacing
  var redelivery = RedeliveryRun()
  var backoff = ReconnectBackoff()
  var choice = ProtocolChoice()
  var plan: SubscriptionPlan
  var status = SessionStatus()

  /// Of this turn, so that the clock isn't read for each message.
  var now: Int64 = 0
  /// Packets that called back: stands still when the socket is dry.
  var packets: UInt64 = 0
  var commitNumber: UInt64 = 0
  var unfinishedWrites = 0
  /// Since the last commit, in the sink.
  var gathered: Int64 = 0
  var committing: Int64 = 0
  var nextTry: Int64 = 0
  var nextKeepAlive: Int64 = 0
  var handshakeDeadline: Int64 = 0
  var establishedAt: Int64?
  var everEstablished = false
  var restUntil: Int64?
  /// What the broker said while it ended the connection, and what it answered to CONNECT.
  var farewell: Int32?
  var answer: (reason: Int32, sessionPresent: Bool)?
  var toldOversized = false
  /// The filters of each SUBSCRIBE and UNSUBSCRIBE that waits for its answer.
  var subscribing: [Int32: [String]] = [:]
  var unsubscribing: [Int32: [String]] = [:]

  init(
    configuration: SessionConfiguration, sink: any MessageSink, mailbox: SessionMailbox,
    events: @escaping @Sendable (SessionEvent) -> Void
  ) {
    self.configuration = configuration
    self.sink = sink
    self.mailbox = mailbox
    self.events = events
    plan = SubscriptionPlan(wanted: [])
    pacing = CommitPacing(
      interval: Int64(configuration.commitInterval) * 1_000_000, commitMessages: configuration.commitMessages,
      commitBytes: configuration.commitBytes, largestMessage: configuration.maxPayload + Int(UInt16.max))
  }

  func run() {
    now = Monotonic.now()
    enter(.connecting)
    _ = plan.want(valid(configuration.filters))
    var goesOn = true
    while goesOn {
      now = Monotonic.now()
      mailbox.heartbeat.beat()
      goesOn = turn(mailbox.take())
    }
    client = nil
    enter(.stopped)
    events(.stopped)
    mailbox.finished.signal()
  }

  /// One round of the loop; false at the end.
  private func turn(_ mail: SessionMailbox.Mail) -> Bool {
    if let outcome = mail.outcome, outcome.number == commitNumber, gate.isCommitting { commitEnded(outcome.error) }
    if let filters = mail.filters { apply(plan.want(valid(filters)), isReload: true) }
    if gate.connection == .open { mail.requests.forEach(publish) }
    if gate.checkDeadline(now: now) {
      events(.commitOverdue)
      lose(
        MQTTError(
          kind: .commit, operation: "committing \(committing) messages",
          reason: "no answer from the store within \(configuration.commitDeadline) s",
          cure: "look at the disk: dmesg, smartctl; the next connection waits for this commit"))
    }
    if let stopBy = mail.stopBy { return stopping(by: stopBy) }
    switch gate.connection {
    case .closed: offline()
    case .handshake: shakeHands()
    case .open: online()
    case .condemned: lose(nil)
    }
    return true
  }

  /// Only queued here, behind the acknowledgements that wait: it leaves with them, when they may.
  private func publish(_ request: SessionMailbox.Request) {
    _ = request.payload.withUnsafeBytes { client?.publish(topic: request.topic, payload: $0, qos: 0, retain: false) }
  }

  // MARK: An accepted connection

  private func online() {
    if let at = establishedAt, now - at >= ReconnectBackoff.provenAfter {
      backoff.succeeded()
      establishedAt = nil
    }
    guard keepAlive(), write() else { return }
    guard gate.mayRead else { return sleep(until: now + SessionLoop.tick, reading: false) }
    guard sink.acceptsMessages else { return pause() }
    if status.state == .paused {
      events(.resumed)
      enter(.connected)
    }
    if let until = restUntil, now < until { return sleep(until: until, reading: false) }
    restUntil = nil
    guard drain() else { return }
    now = Monotonic.now()
    if gate.mayWrite, client?.wantsWrite == true { return }
    switch pacing.drained(now: now) {
    case .commit:
      commit()
    case .rest(let until):
      restUntil = until
      sleep(until: until, reading: false)
    case .listen(let until):
      sleep(until: min(until ?? .max, now + SessionLoop.tick), reading: true)
    }
  }

  /// Reads until the socket is dry or the batch is full. False where the connection is gone.
  private func drain() -> Bool {
    guard let client else { return false }
    while gate.mayRead, !pacing.isFull {
      let before = packets
      let code = client.read()
      if code != 0 || client.socket < 0 {
        lose(client.failure(code == 0 ? Client.connectionLost : code, operation: "reading from \(client.address)"))
        return false
      }
      if packets == before { break }
    }
    return true
  }

  /// Lets the queue out where it may go. False where the connection is gone.
  private func write() -> Bool {
    guard let client, gate.mayWrite else { return true }
    if client.wantsWrite {
      let code = client.write()
      if code != 0 || client.socket < 0 {
        lose(client.failure(code == 0 ? Client.connectionLost : code, operation: "writing to \(client.address)"))
        return false
      }
    }
    let finished = !client.wantsWrite
    gate.wrote(finished: finished)
    unfinishedWrites = finished ? 0 : unfinishedWrites + 1
    if unfinishedWrites > SessionLoop.mostUnfinishedWrites {
      lose(
        MQTTError(
          kind: .closed, operation: "writing to \(client.address)", reason: "the queue doesn't get shorter", cure: ""))
      return false
    }
    if finished, pacing.messages > 0, let until = pacing.released(now: now) { restUntil = until }
    return true
  }

  /// The store is full: what was gathered goes into a commit, and nothing more is read. Pings go out while they may;
  /// their answers stay unread, so the connection may end, and is made again when there is room.
  private func pause() {
    if gate.mayCommit { return commit() }
    if status.state != .paused {
      events(.paused)
      enter(.paused)
    }
    sleep(until: now + SessionLoop.tick, reading: false, watchingHangUp: true)
  }

  func commit() {
    guard gate.mayCommit else { return }
    gate.commitStarted(deadline: now + Int64(configuration.commitDeadline) * 1_000_000_000)
    redelivery.commitStarted()
    pacing.committing()
    restUntil = nil
    committing = gathered
    gathered = 0
    commitNumber += 1
    let (mailbox, number) = (mailbox, commitNumber)
    sink.commit { mailbox.commitEnded(number, $0) }
  }

  private func commitEnded(_ error: (any Error)?) {
    gate.commitEnded(succeeded: error == nil)
    redelivery.commitEnded(succeeded: error == nil)
    if let error {
      status.failedCommits += 1
      status.discarded += committing
      let failure = MQTTError(
        kind: .commit, operation: "committing \(committing) messages", reason: "\(error)",
        cure: "they are not acknowledged, and come again")
      events(.commitFailed(failure))
      if gate.connection == .condemned { lose(failure) }
    } else {
      status.commits += 1
      backoff.succeeded()
    }
    committing = 0
    // Under load the loop may not sleep for long, and the status must not stand still.
    mailbox.publish(status)
  }

  // MARK: Waiting

  /// Sleeps until then, a wake-up, or what the socket has to say.
  func sleep(until: Int64, reading: Bool, watchingHangUp: Bool = false) {
    mailbox.publish(status)
    let isWaiting = !(reading && client?.hasUnread == true)
    let wait = isWaiting ? max(0, min(until, now + SessionLoop.tick) - Monotonic.now()) : 0
    let interest =
      (reading ? POLLIN : 0) | (watchingHangUp ? SessionLoop.peerClosed : 0)
      | (gate.mayWrite && client?.wantsWrite == true ? POLLOUT : 0)
    // At rest the socket isn't even looked at.
    let descriptor = gate.connection == .closed || (interest == 0 && restUntil != nil) ? -1 : client?.socket ?? -1
    var entries = (
      pollfd(fd: mailbox.wakeUp.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: descriptor, events: Int16(interest), revents: 0)
    )
    let ready = withUnsafeMutablePointer(to: &entries) { pair in
      pair.withMemoryRebound(to: pollfd.self, capacity: 2) { poll($0, 2, Int32((wait + 999_999) / 1_000_000)) }
    }
    guard ready > 0 else { return }
    if entries.0.revents != 0 { mailbox.wakeUp.clear() }
    let gone = Int32(entries.1.revents) & (POLLERR | POLLHUP | POLLNVAL | SessionLoop.peerClosed) != 0
    // Where nothing is read, the end of the connection must be noticed here.
    if gone, !reading, gate.connection == .open {
      lose(client?.failure(Client.connectionLost, operation: "waiting on \(configuration.address)"))
    }
  }

  func enter(_ state: SessionStatus.State) {
    guard state != status.state || status.since.wall == 0 else { return }
    status.state = state
    status.since = SessionStatus.Since(monotonic: now, wall: Monotonic.wallSeconds())
    mailbox.publish(status)
  }

  private func valid(_ filters: [String]) -> [String] {
    filters.filter { filter in
      if Client.isValidFilter(filter) { return true }
      refuse(filter, "not a valid topic filter")
      return false
    }
  }
}
