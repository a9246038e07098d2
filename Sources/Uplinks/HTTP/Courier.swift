import Outbox
import Telemetry
import Threads

/// One connection of an uplink, on a thread of its own: takes batches, sends them one by one, and does what the retry
/// machine says.
final class Courier {
  /// Batches read ahead in one query while all goes well: half a MiB.
  private static let readAhead = 32
  /// Delivered marks that one commit takes together, and how long the first of them waits at most.
  private static let groupSize = 64
  private static let groupTime = Span.milliseconds(200)
  /// The pause after this box's own trouble, a full disk say.
  private static let troublePause = Span.seconds(5)

  private let shared: UplinkShared
  private let index: Int
  private let lanes: [Lane]
  private let curl: CurlHandle
  private var token: TokenCache
  private var machine: RetryMachine
  /// Read and not yet sent.
  private var window: [Batch] = []
  /// Sent and not yet marked.
  private var marks: [Batch] = []
  private var firstMark = Span.zero
  private var hasSucceeded = false
  private var probes = 0
  /// What was told last, so that an outage is told once.
  private var told: String?

  init?(_ shared: UplinkShared, index: Int, lanes: [Lane]) {
    let files = CurlHandle.Files(
      ca: shared.definition.caFile, certificate: shared.definition.certFile, key: shared.definition.keyFile)
    guard let curl = CurlHandle(files: files) else {
      shared.log(.error, "uplink \(shared.definition.name): libcurl has no memory")
      return nil
    }
    self.shared = shared
    self.index = index
    self.lanes = lanes
    self.curl = curl
    token = TokenCache(shared.token)
    machine = shared.report(index) { $0.machine }
  }

  func run() {
    while !shared.isStopping {
      do {
        try step()
        shared.report(index) { $0.trouble = nil }
      } catch {
        let cure = "nothing is lost; see what the error says"
        shared.report(index) { $0.trouble = UplinkFault(error: "\(error)", cure: cure) }
        tell(.error, "\(error)")
        window.removeAll()
        pause(Courier.troublePause, untilSuccessSince: nil)
      }
    }
    // Where it fails, what isn't marked is sent again after the next start.
    try? flush()
  }

  private func step() throws {
    let work = shared.outbox.workMark(lanes)
    if window.isEmpty {
      try flush()
      try refill()
    }
    guard !window.isEmpty else {
      shared.report(index) { $0.isSending = false }
      // The time is only a guard: whatever is sealed, and the stop, ends the wait.
      if !shared.isStopping { shared.outbox.waitForWork(lanes, since: work, timeout: .minutes(10)) }
      return
    }
    let successes = shared.successesElsewhere(than: index)
    shared.report(index) { $0.isSending = true }
    let chosen = machine.doubtsRefusals ? probes % window.count : 0
    let batch = window[chosen]
    guard let event = try send(batch) else { return }
    let action = machine.event(event, at: SystemClock.monotonic)
    publish()
    try act(action, chosen, successes)
  }

  private func refill() throws {
    // While it isn't known that the server takes anything, no more is marked as attempted than is tried.
    let limit = hasSucceeded || machine.doubtsRefusals ? Courier.readAhead : 1
    for lane in lanes where window.isEmpty {
      window = try shared.outbox.nextBatches(for: shared.definition.name, lane: lane, limit: limit)
    }
  }

  private func act(_ action: RetryMachine.Action, _ chosen: Int, _ successes: Int64) throws {
    let batch = window[chosen]
    let name = shared.definition.name
    switch action {
    case .delivered:
      Failpoint.hit("uplink.before-marking")
      window.remove(at: chosen)
      hasSucceeded = true
      delivered(batch)
      let now = SystemClock.monotonic
      if marks.count >= Courier.groupSize || now.nanoseconds - firstMark.nanoseconds >= Courier.groupTime.nanoseconds {
        try flush()
      }
    case .halve:
      try flush()
      do {
        try shared.outbox.split(batch)
      } catch let error as OutboxError where error.code == .damagedBatch {
        shared.log(.error, "uplink \(name): \(error)")
        try shared.outbox.refuse(batch, for: name, reason: "the batch is damaged on the gateway")
      }
      window.removeAll()
    case .deadLetter(let reason):
      try flush()
      shared.log(.warning, "uplink \(name): \(batch.lane.rawValue) \(batch.first) is given up: \(reason)")
      try shared.outbox.refuse(batch, for: name, reason: reason)
      window.remove(at: chosen)
    case .sendAgain:
      shared.log(.info, "uplink \(name): the server doesn't take zstd; gzip is sent from now on")
    case .wait:
      hasSucceeded = false
      token.forget()
      if let fault = machine.fault {
        tell(machine.isSlow ? .error : .warning, "\(fault.error); \(fault.cure)")
      }
      try flush()
      if machine.doubtsRefusals {
        // Another batch is tried next, to tell a poison from a server that refuses everything.
        probes += 1
        if window.count == 1 { window.removeAll() }
      }
      pause(machine.remaining(at: SystemClock.monotonic), untilSuccessSince: successes)
    case .none: break
    }
  }

  /// `nil` where the request was broken off for the stop.
  private func send(_ batch: Batch) throws -> RetryMachine.Event? {
    let encoded: Batch
    do {
      encoded = try batch.encoded(as: machine.encoding)
    } catch let error as OutboxError where error.code == .damagedBatch {
      // As it lies it is no use to anyone; asking the server would only cost a request.
      return .answered(status: 400, records: batch.recordCount, detail: "\(error)")
    }
    var headers = [
      "Content-Type: application/json", "Content-Encoding: \(encoded.encoding.rawValue)",
      "Idempotency-Key: \(encoded.idempotencyKey)",
      // Waiting for a "100 Continue" would cost a round trip for each batch.
      "Expect:",
    ]
    do {
      if let token = try token.current(at: SystemClock.monotonic) { headers.append("Authorization: Bearer \(token)") }
    } catch {
      return .notSent(
        UplinkFault(error: "there is no token: \(error.message)", cure: "check token_file; it is read again by itself"))
    }
    let outcome = curl.perform(
      url: shared.address.batches, headers: headers, body: encoded.body, timeout: shared.definition.timeout,
      shouldAbort: { [shared] in shared.isStopping })
    switch outcome {
    case .answered(let answer):
      let retryAfter = answer.retryAfter.flatMap { RetryAfter.parse($0, date: answer.date, wall: SystemClock.wall) }
      return .answered(
        status: answer.status, records: batch.recordCount, retryAfter: retryAfter, detail: token.shown(answer.body))
    case .timedOut: return .timedOut
    case .connectionFailed(let text): return .connectionFailed(text)
    case .tlsFailed(let text): return .tlsFailed(text)
    case .unusable(let text):
      return .notSent(UplinkFault(error: text, cure: "check url, ca_file, cert_file and key_file of this uplink"))
    case .aborted: return nil
    }
  }

  private func delivered(_ batch: Batch) {
    if marks.isEmpty { firstMark = SystemClock.monotonic }
    marks.append(batch)
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

  private func flush() throws {
    guard !marks.isEmpty else { return }
    try shared.outbox.delivered(marks, for: shared.definition.name)
    marks.removeAll()
  }

  /// Waits, but no longer than until the stop or a success of another connection.
  private func pause(_ time: Span, untilSuccessSince successes: Int64?) {
    let deadline = SystemClock.monotonic.nanoseconds + time.nanoseconds
    while !shared.isStopping {
      let rung = shared.bell.count()
      if let successes, shared.successesElsewhere(than: index) != successes {
        _ = machine.event(.succeededElsewhere, at: SystemClock.monotonic)
        publish()
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

  private func tell(_ level: HTTPUplink.Level, _ text: String) {
    guard told != text else { return }
    told = text
    shared.log(level, "uplink \(shared.definition.name): \(text)")
  }
}

extension RetryMachine {
  var isSlow: Bool {
    if case .slow = state { true } else { false }
  }
}
