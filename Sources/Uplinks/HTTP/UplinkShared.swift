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
    var records: Int64 = 0
    var batches: Int64 = 0
    var lastSuccess: Timestamp?
  }

  let definition: UplinkDefinition
  let address: Address
  let outbox: Outbox
  let token: @Sendable () throws -> String?
  let log: @Sendable (HTTPUplink.Level, String) -> Void
  /// Rings for a success and for the stop.
  let bell = Bell()
  private let stopping = Atomic(false)
  private let reports: Mutex<[Report]>

  init(
    definition: UplinkDefinition, address: Address, outbox: Outbox, gateway: String, policy: RetryPolicy,
    token: @escaping @Sendable () throws -> String?, log: @escaping @Sendable (HTTPUplink.Level, String) -> Void
  ) {
    self.definition = definition
    self.address = address
    self.outbox = outbox
    self.token = token
    self.log = log
    // FNV-1a: the same gateway and uplink jitter alike after each start, different ones differ.
    var seed: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in "\(gateway)/\(definition.name)".utf8 { seed = (seed ^ UInt64(byte)) &* 0x100_0000_01b3 }
    reports = Mutex(
      UplinkShared.lanes.indices.map { index in
        Report(
          machine: RetryMachine(policy: policy, encoding: definition.compression, seed: seed &+ UInt64(index)))
      })
  }

  var isStopping: Bool { stopping.load(ordering: .relaxed) }

  func stop() {
    stopping.store(true, ordering: .relaxed)
    bell.ring()
    outbox.wakeWaiters()
  }

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

  func status(at now: Span) -> HTTPUplink.Status {
    let reports = reports.withLock { $0 }
    var status = HTTPUplink.Status(name: definition.name, url: address.shown)
    for report in reports {
      status.deliveredRecords += report.records
      status.deliveredBatches += report.batches
      status.lastSuccess = [status.lastSuccess, report.lastSuccess].compactMap(\.self).max()
    }
    let isSlow: (Report) -> Bool = { report in
      if case .slow = report.machine.state { true } else { false }
    }
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
    }
    return status
  }
}
