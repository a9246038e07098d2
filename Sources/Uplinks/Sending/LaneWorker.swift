import Outbox
import Telemetry
import Threads

/// What every connection does alike, whatever it speaks: takes batches from its feed, marks what was delivered, halves
/// and gives up as the retry machine says, and tells how it is doing. Of one thread.
final class LaneWorker {
  enum Outcome {
    case goOn
    /// Not before the machine's wait is over.
    case wait
  }

  /// Batches read ahead in one query while all goes well: half a MiB.
  private static let readAhead = 32
  /// The pause after this box's own trouble, a full disk say.
  private static let troublePause = Span.seconds(5)
  /// How long an alarm on its way holds back the rest: it may hang itself.
  private static let alarmPatience = Span.seconds(3)

  let shared: UplinkShared
  let index: Int
  let lanes: [Lane]
  let feed: LaneFeed
  private(set) var machine: RetryMachine
  /// Batches on their way, for transports that send several at once.
  var inFlight: Set<Int64> = []
  private var ledger = DeliveryLedger()
  private var hasSucceeded = false
  private var hasFailed = true
  /// What was told last, so that an outage is told once.
  private var told: String?

  init(_ shared: UplinkShared, index: Int) {
    self.shared = shared
    self.index = index
    lanes = UplinkShared.lanes[index]
    feed = LaneFeed(outbox: shared.outbox, definition: shared.definition, lanes: lanes)
    machine = shared.report(index) { $0.machine }
  }

  var heartbeat: Heartbeat { shared.heartbeats[index] }

  func run(_ step: () throws -> Void) {
    while !shared.isStopping {
      heartbeat.beat()
      do {
        try step()
        shared.report(index) { $0.trouble = nil }
      } catch {
        let cure = "nothing is lost; see what the error says"
        shared.report(index) { $0.trouble = UplinkFault(error: "\(error)", cure: cure) }
        tell(.error, "\(error)")
        feed.clear()
        pause(for: LaneWorker.troublePause, untilSuccessSince: nil)
      }
    }
    // Where it fails, what isn't marked is sent again after the next start.
    try? flush()
  }

  // MARK: What goes next

  func next() throws -> LaneFeed.Choice {
    if ledger.isDue(at: SystemClock.monotonic) { try flush() }
    if hasFailed {
      // What waits now, before anything was delivered again, is what the outage has left.
      try flush()
      try feed.recogniseBacklog()
      hasFailed = false
    }
    // While it isn't known that the server takes anything, no more is marked as attempted than is tried.
    let readAhead = hasSucceeded || machine.doubtsRefusals ? LaneWorker.readAhead : 1
    return try feed.next(busy: inFlight.union(ledger.ids), readAhead: readAhead) { shared.permit($0) }
  }

  /// Lets an alarm that is on its way have the link for itself.
  func letAlarmsPass() {
    let deadline = SystemClock.monotonic.nanoseconds + LaneWorker.alarmPatience.nanoseconds
    while shared.isAlarmOnItsWay, !shared.isStopping {
      let rung = shared.bell.count()
      let left = deadline - SystemClock.monotonic.nanoseconds
      guard left > 0, shared.isAlarmOnItsWay else { return }
      shared.bell.wait(past: rung, timeout: Span(nanoseconds: left))
    }
  }

  func begins() {
    shared.report(index) { report in
      report.isSending = true
      report.hold = nil
    }
  }

  /// Nothing goes now: there is nothing, or what there is may not yet. A pace that is kept is no rest.
  func rest(hold: TrafficLimits.Hold?, isPaced: Bool = false) {
    heartbeat.rest()
    shared.report(index) { report in
      report.isSending = isPaced
      report.hold = hold
    }
  }

  // MARK: What became of it

  func settle(_ batch: Batch, _ urgency: Urgency, _ event: RetryMachine.Event) throws -> Outcome {
    let action = machine.event(event, at: SystemClock.monotonic)
    publish()
    let name = shared.definition.name
    switch action {
    case .delivered:
      Failpoint.hit("uplink.before-marking")
      hasSucceeded = true
      delivered(batch)
    case .halve:
      try halve(batch)
    case .deadLetter(let reason):
      try flush()
      shared.log(.warning, "uplink \(name): \(batch.lane.rawValue) \(batch.first) is given up: \(reason)")
      try shared.outbox.refuse(batch, for: name, reason: reason)
    case .sendAgain:
      shared.log(.info, "uplink \(name): the server doesn't take zstd; gzip is sent from now on")
      feed.putBack(batch, urgency)
    case .wait:
      // Another batch is tried next where refusals are in doubt, to tell a poison from a server that refuses all.
      feed.putBack(batch, urgency, later: machine.doubtsRefusals)
      if !machine.doubtsRefusals { hasFailed = true }
      hasSucceeded = false
      try failed()
      return .wait
    case .none: break
    }
    return .goOn
  }

  /// The connection itself fails, whatever batch it was.
  func failed(_ event: RetryMachine.Event) throws {
    _ = machine.event(event, at: SystemClock.monotonic)
    publish()
    hasFailed = true
    hasSucceeded = false
    try failed()
  }

  private func failed() throws {
    if let fault = machine.fault { tell(machine.isSlow ? .error : .warning, "\(fault.error); \(fault.cure)") }
    try flush()
  }

  /// The connection is there again, though nothing was delivered yet.
  func reconnected() {
    _ = machine.event(.succeededElsewhere, at: SystemClock.monotonic)
    publish()
  }

  func halve(_ batch: Batch) throws {
    try flush()
    do {
      try shared.outbox.split(batch)
    } catch let error as OutboxError where error.code == .damagedBatch {
      let name = shared.definition.name
      shared.log(.error, "uplink \(name): \(error)")
      try shared.outbox.refuse(batch, for: name, reason: "the batch is damaged on the gateway")
    }
    feed.clear()
  }

  private func delivered(_ batch: Batch) {
    ledger.add(batch, at: SystemClock.monotonic)
    shared.report(index) { report in
      report.records += Int64(batch.recordCount)
      report.batches += 1
      report.lastSuccess = SystemClock.wall
    }
    shared.bell.ring()
    if told != nil {
      told = nil
      shared.log(.info, "uplink \(shared.definition.name): delivers again")
    }
  }

  func flush() throws { try ledger.flush(shared) }

  /// How long until marks that are gathered should be committed; `nil` where there are none.
  var hasMarks: Bool { !ledger.batches.isEmpty }

  // MARK: Waiting

  /// Waits for the machine, but no longer than until the stop or a success of another connection.
  func pause(untilSuccessSince successes: Int64) {
    pause(for: machine.remaining(at: SystemClock.monotonic), untilSuccessSince: successes)
  }

  private func pause(for time: Span, untilSuccessSince successes: Int64?) {
    heartbeat.rest()
    let deadline = SystemClock.monotonic.nanoseconds + time.nanoseconds
    while !shared.isStopping {
      let rung = shared.bell.count()
      if let successes, shared.successesElsewhere(than: index) != successes {
        reconnected()
        if machine.state == .ready { return }
      }
      let left = deadline - SystemClock.monotonic.nanoseconds
      guard left > 0, !shared.isStopping else { return }
      shared.bell.wait(past: rung, timeout: Span(nanoseconds: left))
    }
  }

  private func publish() {
    let machine = machine
    shared.report(index) { $0.machine = machine }
  }

  func tell(_ level: Uplink.Level, _ text: String) {
    guard told != text else { return }
    told = text
    shared.log(level, "uplink \(shared.definition.name): \(text)")
  }
}
