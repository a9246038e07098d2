import Outbox
import Telemetry
import Threads

/// One connection of an uplink by HTTP, on a thread of its own: takes batches, sends them one by one, and does what
/// the retry machine says.
final class Courier {
  private let worker: LaneWorker
  private let format: any HTTPFormat
  private let files: CurlHandle.Files
  private var stamps: FileStamps
  private var curl: CurlHandle
  private var token: TokenCache
  private var link = LinkGauge()

  private var shared: UplinkShared { worker.shared }

  init?(_ shared: UplinkShared, index: Int, format: any HTTPFormat) {
    let definition = shared.definition
    files = CurlHandle.Files(ca: definition.caFile, certificate: definition.certFile, key: definition.keyFile)
    guard let curl = CurlHandle(files: files) else {
      shared.log(.error, "uplink \(definition.name): libcurl has no memory")
      return nil
    }
    worker = LaneWorker(shared, index: index)
    self.curl = curl
    self.format = format
    stamps = FileStamps([definition.caFile, definition.certFile, definition.keyFile])
    token = TokenCache(shared.secret)
  }

  func run() {
    worker.run { try step() }
  }

  private func step() throws {
    let work = shared.outbox.workMark(worker.lanes)
    let (batch, urgency): (Batch, Urgency)
    switch try worker.next() {
    case .batch(let found, let its): (batch, urgency) = (found, its)
    case .hold(let wait, let hold):
      try worker.flush()
      worker.rest(hold: hold, isPaced: hold == nil)
      shared.outbox.waitForWork(worker.lanes, since: work, timeout: min(wait, .minutes(1)))
      return
    case .nothing:
      // Nothing waits for its mark while there is time.
      try worker.flush()
      worker.rest(hold: nil)
      // The time is only a guard: whatever is sealed, and the stop, ends the wait.
      if !shared.isStopping { shared.outbox.waitForWork(worker.lanes, since: work, timeout: .minutes(10)) }
      return
    }
    if urgency != .alarm {
      worker.letAlarmsPass()
      if batch.recordCount > 1, link.isTooLong(batch.body.count) { return try worker.halve(batch) }
    }
    let successes = shared.successesElsewhere(than: worker.index)
    worker.begins()
    if urgency == .alarm { shared.alarmLeaves() }
    let event = try send(batch, urgency)
    if urgency == .alarm { shared.alarmEnded() }
    // Broken off for the stop: it is sent again after the next start.
    guard let event else { return worker.feed.putBack(batch, urgency) }
    if case .wait = try worker.settle(batch, urgency, event) {
      token.forget()
      stamps.lookSoon()
      worker.pause(untilSuccessSince: successes)
    }
  }

  /// `nil` where the request was broken off for the stop.
  private func send(_ batch: Batch, _ urgency: Urgency) throws -> RetryMachine.Event? {
    let request: HTTPRequest
    do {
      // Nothing in it is for such a server: as good as taken.
      guard let made = try format.request(for: batch, worker.machine.encoding) else {
        return .answered(status: 200, records: batch.recordCount, lane: batch.lane)
      }
      request = made
    } catch let error as OutboxError where error.code == .damagedBatch {
      // As it lies it is no use to anyone; asking the server would only cost a request.
      return .answered(status: 400, records: batch.recordCount, detail: "\(error)", lane: batch.lane)
    }
    // Waiting for a "100 Continue" would cost a round trip for each batch.
    var headers = request.headers + ["Expect:"]
    do {
      if let token = try token.current(at: SystemClock.monotonic) {
        headers.append("Authorization: \(format.authorization(token))")
      }
    } catch {
      return .notSent(
        UplinkFault(error: "there is no token: \(error.message)", cure: "check token_file; it is read again by itself"))
    }
    if stamps.haveChanged(at: SystemClock.monotonic), let fresh = CurlHandle(files: files) {
      shared.log(.info, "uplink \(shared.definition.name): certificate files have changed and are read again")
      curl = fresh
    }
    let outcome = curl.perform(
      url: format.url, headers: headers, body: request.body, timeout: shared.definition.timeout,
      shouldAbort: { [shared, heartbeat = worker.heartbeat] in
        heartbeat.beat()
        return shared.isStopping
      })
    account(urgency)
    switch outcome {
    case .answered(let answer):
      link.measured(bytes: curl.transfer.deliveryRate, trip: curl.transfer.trip)
      shared.report(worker.index) { [link] in $0.linkRate = link.rate }
      if let wish = answer.maxRate.flatMap({ BitRate($0) }) { shared.wish(wish) }
      if format.readsAnswers, shared.definition.backfill, (200...299).contains(answer.status) {
        for request in BackfillRequest.read(answer.body, for: shared.definition.name) { shared.requests(request) }
      }
      let retryAfter = answer.retryAfter.flatMap { RetryAfter.parse($0, date: answer.date, wall: SystemClock.wall) }
      return .answered(
        status: answer.status, records: batch.recordCount, retryAfter: retryAfter, detail: token.shown(answer.body),
        lane: batch.lane)
    case .timedOut: return .timedOut
    case .connectionFailed(let text): return .connectionFailed(text)
    case .tlsFailed(let text, let verification):
      return .notSent(TLSCure.of(text, verification: verification, host: format.host, now: SystemClock.wall))
    case .unusable(let text):
      return .notSent(UplinkFault(error: text, cure: "check url, ca_file, cert_file and key_file of this uplink"))
    case .aborted: return nil
    }
  }

  private func account(_ urgency: Urgency) {
    let transfer = curl.transfer
    let bytes = WireBytes.estimate(
      sent: transfer.sent, received: transfer.received, newConnections: transfer.newConnections,
      isTLS: format.url.hasPrefix("https"))
    shared.took(bytes, urgency, worker.index)
  }
}
