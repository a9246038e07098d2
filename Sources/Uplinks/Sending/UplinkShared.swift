import Outbox
import Synchronization
import Telemetry
import Threads

/// What an uplink's two connections share.
final class UplinkShared: Sendable {
  /// The lanes of each connection, in the order of their urgency.
  static let lanes: [[Lane]] = [[.alarm], [.summary, .status, .backfill]]

  /// What one connection has to say.
  struct Report {
    var isSending = false
    var machine: RetryMachine
    /// A fault of this box's own, such as a full disk.
    var trouble: UplinkFault?
    var hold: TrafficLimits.Hold?
    var records: Int64 = 0
    var batches: Int64 = 0
    var wireBytes: Int64 = 0
    var linkRate: Double?
    var lastSuccess: Timestamp?
  }

  let definition: UplinkDefinition
  let shownURL: String
  let outbox: Outbox
  let secret: @Sendable () throws -> String?
  let requests: @Sendable (BackfillRequest) -> Void
  let log: @Sendable (Uplink.Level, String) -> Void
  /// Of each connection's thread: a beat for each batch, and about one a second while one is on its way.
  let heartbeats = lanes.map { _ in Heartbeat() }
  /// Rings for a success, for an alarm's end, and for the stop.
  let bell = Bell()
  private let calendar: @Sendable () -> CalendarMoment
  private let stopping = Atomic(false)
  private let alarms = Atomic(0)
  private let reports: Mutex<[Report]>
  private let limits: Mutex<TrafficLimits>

  init(
    definition: UplinkDefinition, shownURL: String, outbox: Outbox, gateway: String, policy: RetryPolicy,
    secret: @escaping @Sendable () throws -> String?, calendar: @escaping @Sendable () -> CalendarMoment,
    requests: @escaping @Sendable (BackfillRequest) -> Void, log: @escaping @Sendable (Uplink.Level, String) -> Void
  ) {
    self.definition = definition
    self.shownURL = shownURL
    self.outbox = outbox
    self.secret = secret
    self.calendar = calendar
    self.requests = requests
    self.log = log
    // FNV-1a: the same gateway and uplink jitter alike after each start, different ones differ.
    var seed: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in "\(gateway)/\(definition.name)".utf8 { seed = (seed ^ UInt64(byte)) &* 0x100_0000_01b3 }
    reports = Mutex(
      UplinkShared.lanes.indices.map { index in
        Report(
          machine: RetryMachine(policy: policy, encoding: definition.compression, seed: seed &+ UInt64(index)))
      })
    let used = (try? outbox.used(by: definition.name)) ?? (month: nil, bytes: 0)
    limits = Mutex(
      TrafficLimits(
        rules: definition.traffic, budget: MonthlyBudget(limit: 0, month: used.month, spent: used.bytes)))
  }

  var isStopping: Bool { stopping.load(ordering: .relaxed) }

  func stop() {
    stopping.store(true, ordering: .relaxed)
    bell.ring()
    outbox.wakeWaiters()
  }

  // MARK: Limits

  func permit(_ urgency: Urgency) -> TrafficLimits.Verdict {
    let moment = calendar()
    return limits.withLock { $0.permit(urgency, now: SystemClock.monotonic, moment) }
  }

  func took(_ bytes: Int64, _ urgency: Urgency, _ index: Int) {
    let moment = calendar()
    limits.withLock { $0.took(bytes, urgency, now: SystemClock.monotonic, moment) }
    report(index) { $0.wireBytes += bytes }
  }

  func wish(_ rate: BitRate) { limits.withLock { $0.wish(rate, now: SystemClock.monotonic) } }

  /// To be kept with what is delivered; `nil` where there is no budget.
  var used: (month: Int64?, bytes: Int64)? {
    limits.withLock { $0.budget.map { ($0.month, $0.spent) } }
  }

  // MARK: Alarms on their way

  var isAlarmOnItsWay: Bool { alarms.load(ordering: .relaxed) > 0 }
  func alarmLeaves() { alarms.add(1, ordering: .relaxed) }

  func alarmEnded() {
    alarms.subtract(1, ordering: .relaxed)
    bell.ring()
  }

  // MARK: Reports

  func report<T>(_ index: Int, _ body: (inout Report) -> T) -> T {
    // The result is copied out of the lock's region: none of what passes here is shared by reference.
    nonisolated(unsafe) var result: T?
    reports.withLock { result = body(&$0[index]) }
    guard let result else { preconditionFailure("the lock has run its body") }
    return result
  }

  /// How many batches the other connections have delivered.
  func successesElsewhere(than index: Int) -> Int64 {
    reports.withLock { reports in
      reports.indices.reduce(0) { $0 + ($1 == index ? 0 : reports[$1].batches) }
    }
  }

  func status(at now: Span) -> Uplink.Status {
    let reports = reports.withLock { $0 }
    var status = Uplink.Status(name: definition.name, url: shownURL)
    for report in reports {
      status.deliveredRecords += report.records
      status.deliveredBatches += report.batches
      status.wireBytes += report.wireBytes
      status.lastSuccess = [status.lastSuccess, report.lastSuccess].compactMap(\.self).max()
      status.linkRate = report.linkRate ?? status.linkRate
    }
    status.budget = limits.withLock { $0.budget }
    status.heldBack = reports.lazy.compactMap(\.hold).first?.description
    let isSlow: (Report) -> Bool = { $0.machine.isSlow }
    if let worst = reports.first(where: isSlow) ?? reports.first(where: { $0.machine.fault != nil }) {
      status.error = worst.machine.fault?.error
      status.cure = worst.machine.fault?.cure
      status.state = isSlow(worst) ? .misconfigured : .waiting
      status.retryIn = worst.machine.remaining(at: now)
    } else if let trouble = reports.lazy.compactMap(\.trouble).first {
      status.error = trouble.error
      status.cure = trouble.cure
      status.state = .waiting
    } else if reports.contains(where: \.isSending) {
      status.state = .sending
    } else if status.heldBack != nil {
      status.state = .held
    }
    return status
  }
}
