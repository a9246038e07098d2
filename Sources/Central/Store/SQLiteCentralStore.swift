import SQLite
import ServiceLifecycle
import Synchronization
import Telemetry

/// The receiver's store in one SQLite file: one writer on a thread of its own, one reader on another.
///
/// WAL with synchronous=FULL: when `apply` returns, the batch survives a power cut.
public final class SQLiteCentralStore: CentralStore, Service {
  private struct Pending: Sendable {
    var entry: BatchApplier.Entry
    var continuation: CheckedContinuation<Receipt, any Error>
  }

  private let writer: WorkThread<BatchApplier>
  private let reader: WorkThread<RecordReader>
  private let queue = Mutex(WriteQueue<Pending>())
  /// Why the last write failed; `nil` since one succeeded.
  private let lastFailure = Mutex<String?>(nil)
  private let fatal: AsyncStream<DatabaseError>
  private let reportFatal: AsyncStream<DatabaseError>.Continuation

  private init(writer: WorkThread<BatchApplier>, reader: WorkThread<RecordReader>) {
    self.writer = writer
    self.reader = reader
    (fatal, reportFatal) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
  }

  /// Opens the file and makes it where there is none.
  ///
  /// - Throws: `DatabaseError`.
  public static func open(path: String) async throws -> SQLiteCentralStore {
    let writer = try await WorkThread.start { try BatchApplier(path: path) }
    do {
      let reader = try await WorkThread.start { try RecordReader(path: path) }
      return SQLiteCentralStore(writer: writer, reader: reader)
    } catch {
      await writer.stop()
      throw error
    }
  }

  /// Runs until the service group shuts down, then writes what waits and closes the file.
  ///
  /// - Throws: the `DatabaseError` after which nothing more may be trusted to be on the disk: then only a new start,
  ///   which reads back what really is there, helps.
  public func run() async throws {
    var failure: DatabaseError?
    for await error in fatal.cancelOnGracefulShutdown() {
      failure = error
      break
    }
    await close()
    if let failure { throw failure }
  }

  public func close() async {
    await reader.stop()
    await writer.stop()
  }

  public func apply(_ batch: Batch, at time: Timestamp) async throws -> Receipt {
    try await withCheckedThrowingContinuation { continuation in
      let pending = Pending(entry: BatchApplier.Entry(batch: batch, time: time), continuation: continuation)
      switch queue.withLock({ $0.admit(pending, size: batch.size) }) {
      case .queued: break
      case .overloaded: continuation.resume(throwing: StoreError.overloaded)
      case .wake:
        if !writer.submit({ [self] applier in drain(applier) }) { refuse() }
      }
    }
  }

  public func gateways(_ query: GatewayQuery) async throws -> Page<GatewayReport> {
    try await read { try $0.gateways(query) }
  }

  public func summaries(_ query: SummaryQuery) async throws -> Page<StoredSummary> {
    try await read { try $0.summaries(query) }
  }

  public func alarms(_ query: AlarmQuery) async throws -> Page<StoredAlarm> {
    try await read { try $0.alarms(query) }
  }

  public func contacts(limit: Int) async throws -> [(gateway: String, time: Timestamp)] {
    try await read { try $0.contacts(limit: limit) }
  }

  /// Returns once both threads have come to the end of what they had before them; false where they have stopped.
  func isAnswering() async -> Bool {
    do {
      try await writer.run { _ in }
      try await reader.run { _ in }
      return true
    } catch {
      return false
    }
  }

  public func check() async throws {
    if let reason = lastFailure.withLock({ $0 }) { throw StoreError.failed(reason) }
    _ = try await read { try $0.contacts(limit: 1) }
  }

  private func read<Value: Sendable>(_ body: @escaping @Sendable (RecordReader) throws -> Value) async throws -> Value {
    do {
      return try await reader.run(body)
    } catch let error as DatabaseError {
      throw StoreError.failed(error.description)
    }
  }

  /// On the writer's thread: group after group, until nothing waits.
  private func drain(_ applier: BatchApplier) {
    while true {
      let group = queue.withLock { $0.next() }
      if group.isEmpty { return }
      do {
        let receipts = try applier.apply(group.map(\.entry))
        lastFailure.withLock { $0 = nil }
        for (pending, receipt) in zip(group, receipts) { pending.continuation.resume(returning: receipt) }
      } catch {
        if group.count > 1, (error as? DatabaseError)?.mayConcernOneBatch ?? true {
          for pending in group { applyAlone(pending, applier) }
        } else {
          fail(group, error)
        }
      }
    }
  }

  /// Nobody's batch fails for what is wrong with another's.
  private func applyAlone(_ pending: Pending, _ applier: BatchApplier) {
    do {
      let receipts = try applier.apply([pending.entry])
      lastFailure.withLock { $0 = nil }
      pending.continuation.resume(returning: receipts[0])
    } catch {
      fail([pending], error)
    }
  }

  private func fail(_ group: [Pending], _ error: any Error) {
    let reason = "\(error)"
    lastFailure.withLock { $0 = reason }
    for pending in group { pending.continuation.resume(throwing: StoreError.failed(reason)) }
    if let error = error as? DatabaseError, error.kind == .io || error.kind == .corrupt { reportFatal.yield(error) }
  }

  /// What waits for a writer that has stopped.
  private func refuse() {
    while true {
      let group = queue.withLock { $0.next() }
      if group.isEmpty { return }
      for pending in group { pending.continuation.resume(throwing: StoreError.closed) }
    }
  }
}

extension DatabaseError {
  /// Whether what failed may lie in the data. A disk that is full or broken fails everyone, and what a failed sync
  /// leaves behind must not be tried again in place.
  fileprivate var mayConcernOneBatch: Bool { kind == .constraint || kind == .other }
}
