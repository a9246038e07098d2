import MQTT
import Outbox
import Telemetry
import Threads

/// One connection of an uplink to an MQTT broker, on a thread of its own: publishes the same bodies that HTTP would
/// carry to `lumbung/v1/{gateway}/{lane}` at QoS 1, and takes a batch for delivered at its PUBACK with a success code.
///
/// One client object for the life of the process: what was published and not acknowledged goes along to the next
/// connection, to whichever node of the cluster that is. Nothing is published while offline.
final class MQTTCourier {
  /// Batches that wait for their PUBACK at most: a quarter of a MiB under way fills any link that this is used on, and
  /// is soon sent again.
  private static let mostOutstanding = 16
  /// A broker that acknowledges nothing is left alone so long before the connection is made anew.
  private static let idleTurn = 30_000

  private struct Answer {
    let token: UInt64
    let refusal: MQTTError?
  }

  /// What the publisher's callbacks tell, on this thread, from within its calls.
  private final class Inbox {
    var answers: [Answer] = []
  }

  private let worker: LaneWorker
  private let publisher: Publisher
  private let inbox = Inbox()
  private let topic: String
  private var outstanding: [UInt64: (batch: Batch, urgency: Urgency)] = [:]
  private var lastToken: UInt64 = 0
  private var stamps: FileStamps
  private var wasConnected = false
  private var toldError: MQTTError?
  /// Since when nothing was answered although something is outstanding.
  private var silentSince: Span?

  private var shared: UplinkShared { worker.shared }

  static func brokers(of definition: UplinkDefinition) throws(UplinkError) -> [BrokerAddress] {
    var brokers: [BrokerAddress] = []
    for url in [definition.url] + definition.alternatives {
      guard let address = BrokerAddress(url: url) else {
        throw UplinkError(
          code: .invalidURL, uplink: definition.name, message: "\(url) is no mqtt or mqtts address",
          hint: "write it like mqtts://central.example.go.id")
      }
      brokers.append(address)
    }
    return brokers
  }

  init(_ shared: UplinkShared, index: Int, brokers: [BrokerAddress], gateway: String) {
    worker = LaneWorker(shared, index: index)
    topic = "lumbung/v1/\(gateway)/"
    let definition = shared.definition
    var configuration = PublisherConfiguration(
      address: brokers[0], username: definition.username, password: shared.secret, caFile: definition.caFile,
      certFile: definition.certFile, keyFile: definition.keyFile,
      clientID: "lumbung-\(gateway)-\(definition.name)" + (index == 0 ? "-alarm" : ""),
      maxOutstanding: MQTTCourier.mostOutstanding)
    configuration.alternatives = Array(brokers.dropFirst())
    configuration.keepsSession = true
    if index > 0, definition.backfill { configuration.listensTo = [topic + "command"] }
    let inbox = inbox
    publisher = Publisher(
      configuration: configuration,
      onAcknowledged: { token, refusal in inbox.answers.append(Answer(token: token, refusal: refusal)) },
      onMessage: { _, payload in
        for request in BackfillRequest.read(payload, for: definition.name) { shared.requests(request) }
      })
    stamps = FileStamps([definition.caFile, definition.certFile, definition.keyFile])
    let waker = publisher.waker
    shared.outbox.onWork(worker.lanes, waker)
  }

  func run() {
    worker.run { try step() }
    publisher.close(within: 500)
  }

  private func step() throws {
    if stamps.haveChanged(at: SystemClock.monotonic) {
      shared.log(.info, "uplink \(shared.definition.name): certificate files have changed and are read again")
      publisher.cut()
    }
    try takeAnswers()
    guard publisher.isConnected else { return try offline() }
    if !wasConnected {
      wasConnected = true
      toldError = nil
      silentSince = nil
      worker.reconnected()
    }
    let wait = worker.machine.remaining(at: SystemClock.monotonic)
    if wait > .zero {
      worker.heartbeat.rest()
      return publisher.pumpUntilNews(within: MQTTCourier.milliseconds(wait))
    }
    try watchSilence()
    let turn = try fill()
    worker.heartbeat.rest()
    publisher.pumpUntilNews(within: worker.hasMarks ? min(turn, 100) : turn)
  }

  private func offline() throws {
    wasConnected = false
    if let error = publisher.lastError, error != toldError {
      toldError = error
      stamps.lookSoon()
      try worker.failed(MQTTCourier.event(of: error))
    }
    // A name that is looked up, a broker that doesn't answer: no fault of this thread's.
    worker.heartbeat.rest()
    publisher.pumpUntilNews(within: 1000)
  }

  /// Publishes what may go; returns how long to wait for news, in milliseconds.
  private func fill() throws -> Int {
    while outstanding.count < MQTTCourier.mostOutstanding, publisher.isConnected {
      switch try worker.next() {
      case .nothing:
        if outstanding.isEmpty {
          try worker.flush()
          worker.rest(hold: nil)
        }
        return MQTTCourier.idleTurn
      case .hold(let wait, let hold):
        if outstanding.isEmpty {
          try worker.flush()
          worker.rest(hold: hold, isPaced: hold == nil)
        }
        return MQTTCourier.milliseconds(min(wait, .minutes(1)))
      case .batch(let batch, let urgency):
        worker.begins()
        try publish(batch, urgency)
      }
    }
    return MQTTCourier.idleTurn
  }

  private func publish(_ batch: Batch, _ urgency: Urgency) throws {
    lastToken += 1
    do {
      let body = try batch.encoded(as: worker.machine.encoding)
      try publisher.publish(
        topic: topic + batch.lane.rawValue, payload: body.body, token: lastToken,
        labels: [("content-encoding", body.encoding.rawValue), ("idempotency-key", body.idempotencyKey)], within: 0)
      outstanding[lastToken] = (batch, urgency)
      worker.inFlight.insert(batch.id)
      if silentSince == nil { silentSince = SystemClock.monotonic }
      let sent = Int64(body.body.count + topic.utf8.count + 160)
      shared.took(
        WireBytes.estimate(
          sent: sent, received: 4, newConnections: 0, isTLS: shared.definition.url.hasPrefix("mqtts")),
        urgency, worker.index)
    } catch let error as MQTTError where error.kind == .backpressure {
      worker.feed.putBack(batch, urgency)
    } catch let error as MQTTError {
      // More than this broker takes in one message.
      _ = try worker.settle(
        batch, urgency,
        .answered(status: 413, records: batch.recordCount, detail: error.reason, lane: batch.lane))
    } catch let error as OutboxError where error.code == .damagedBatch {
      _ = try worker.settle(
        batch, urgency,
        .answered(status: 400, records: batch.recordCount, detail: "\(error)", lane: batch.lane))
    }
  }

  private func takeAnswers() throws {
    let answers = inbox.answers
    inbox.answers.removeAll(keepingCapacity: true)
    if !answers.isEmpty { silentSince = nil }
    for answer in answers {
      guard let (batch, urgency) = outstanding.removeValue(forKey: answer.token) else { continue }
      worker.inFlight.remove(batch.id)
      let event = RetryMachine.Event.answered(
        status: answer.refusal.map { MQTTCourier.status(of: $0.code) } ?? 200, records: batch.recordCount,
        detail: answer.refusal?.reason ?? "", lane: batch.lane)
      _ = try worker.settle(batch, urgency, event)
    }
    if !outstanding.isEmpty, silentSince == nil { silentSince = SystemClock.monotonic }
  }

  /// A broker that keeps the connection and acknowledges nothing is as good as none.
  private func watchSilence() throws {
    guard !outstanding.isEmpty, let silentSince,
      SystemClock.monotonic.nanoseconds - silentSince.nanoseconds > shared.definition.timeout.nanoseconds
    else { return }
    self.silentSince = nil
    try worker.failed(.timedOut)
    publisher.cut()
  }

  private static func milliseconds(_ span: Span) -> Int { Int(max(1, min(span.milliseconds + 1, 60_000))) }

  // MARK: Meaning

  /// What a PUBACK's reason code would be as an answer by HTTP.
  static func status(of code: Int32?) -> Int {
    switch code {
    case 0x87: 403
    case 0x90: 404
    case 0x97: 429
    case 0x99: 400
    case 0x95: 413
    // Unspecified, specific to the broker, packet identifier in use: they may pass.
    default: 503
    }
  }

  static func event(of error: MQTTError) -> RetryMachine.Event {
    let cure = error.cure.isEmpty ? StatusCure.passing : error.cure.inUplink
    switch error.kind {
    case .tls, .refused, .configuration, .protocolVersion, .takenOver:
      return .notSent(UplinkFault(error: error.reason, cure: cure))
    case .nameUnknown, .unreachable, .closed, .silent, .commit, .backpressure, .system:
      return .connectionFailed("\(error.operation): \(error.reason)")
    }
  }
}

extension String {
  /// Cures are written for the gateway's own broker; the same holds for this uplink's.
  fileprivate var inUplink: String {
    var text = self
    while let range = text.range(of: "[broker]") { text.replaceSubrange(range, with: "this uplink's") }
    return text
  }
}
