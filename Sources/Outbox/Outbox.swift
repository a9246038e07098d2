import SQLite
import Telemetry
import Threads

/// What must leave the box: sealed batches on numbered lanes, and how far each destination has come.
///
/// ```swift
/// let outbox = try Outbox(.init(path: "/var/lib/lumbung/outbox.db", gateway: "oki-01", epoch: journal.uuid,
///                               destinations: [.init(name: "central")]))
/// try outbox.transaction { transaction in
///   transaction.append(.summary, record)
///   transaction.rawBefore = 812
/// }
/// ```
///
/// One SQLite file with one writing connection, synchronous=FULL. A batch is sealed, numbered and compressed in the
/// commit that its records belong to; it leaves in the very bytes that lie in the file. Delivery is a cursor for each
/// destination and lane, so that a dead destination holds up nobody and a delivered mark costs one small row.
///
/// Every call may block for a sync of the disk: call it only from threads that may block. Calls from several threads
/// wait for one another; `transaction`'s body must not call back into the outbox.
///
/// After an I/O error the outbox halts: what was written since the last good sync may or may not be on flash, and
/// whoever goes on might give a number out twice. The process is to be started anew. The same where a damaged page is
/// met: the next opening sets the file aside.
public final class Outbox: @unchecked Sendable {
  // Unchecked because the store is no Sendable value: every touch of it goes through `withStore`, under the lock.
  private let lock = Lock()
  private var store: Store
  private var options: Options
  private let bell = Bell()

  /// How often the outbox had to be made anew under its journal: 0 for the first.
  public let generation: Int
  /// What opening found: whether the file is new, and what was set aside.
  public let openReport: OpenReport

  /// Opens the file or makes it; a damaged one is set aside, and what can be read of it goes over.
  ///
  /// - Throws: `OutboxError` where the file can't be opened, or was written by a newer version (left untouched).
  public init(_ options: Options) throws(OutboxError) {
    self.options = options
    var opening = Opening(options: options)
    store = try opening.open()
    openReport = opening.report
    generation = store.era.generation
  }

  deinit {
    if store.halt == nil { _ = store.database.emptyLog() }
  }

  /// From now on these are the destinations, as if the outbox had been opened with them. Those that are gone or have
  /// another filter must not be asked for in the meantime: their uplinks are stopped before.
  public func setDestinations(_ destinations: [Destination]) throws {
    try withStore { store in
      var options = options
      options.destinations = destinations
      self.store = try Opening.store(options, store.era, store.database, store.suspicion, isSalvaged: false)
      self.options = options
    }
    wakeWaiters()
  }

  /// Runs `body` in one transaction; what it appends becomes sealed batches in the same commit.
  ///
  /// Where `body` throws, nothing of it stays. Batches never span transactions.
  public func transaction<T>(_ body: (OutboxTransaction) throws -> T) throws -> T {
    var sealed: Set<Lane> = []
    let result = try withStore { store in
      try store.database.transaction {
        let transaction = OutboxTransaction(database: store.database)
        let result = try body(transaction)
        sealed = try store.seal(transaction)
        return result
      }
    }
    ring(sealed)
    return result
  }

  /// The last `rawBefore` that was committed under this journal: segments below it are wholly derived.
  public func derivedBefore() throws -> Int64? { try withStore { try $0.derivedBefore() } }

  /// Segments below this are wholly derived, and all that came of them was delivered to every destination that is not
  /// optional (dead letters and what the quota dropped count as dealt with). `nil` where that is true of none.
  public func deliveredBefore() throws -> Int64? { try withStore { try $0.deliveredBefore() } }

  /// Bytes of the file's pages that hold something; the last known figure where the file can't be asked.
  public var bytesInUse: Int64 { (try? withStore { try $0.bytesInUse() }) ?? 0 }

  /// Records that the quota dropped, ever, in this file. Each is accounted for to the receivers.
  public var droppedRecords: Int64 { (try? withStore { try $0.counter(.dropped) }) ?? 0 }

  /// Tells that whoever reads the file beside the outbox met a damaged page: the next opening looks closer, and sets
  /// the file aside if need be. Otherwise every start would meet it again.
  /// Any thread, whoever holds the lock.
  public static func suspectDamage(_ path: String) { Suspicion(besides: path).raise() }

  /// Dead letters that lie in the file.
  public var deadLetterCount: Int64 { (try? withStore { try $0.deadLetterCount() }) ?? 0 }

  // MARK: Waiting

  /// How much has been sealed on these lanes; a mark to give to `waitForWork`. Take it before looking for batches.
  public func workMark(_ lanes: [Lane]) -> UInt64 { bell.count(lanes.bits) }

  /// Blocks until something was sealed on one of the lanes since `mark` was taken, `wakeWaiters` was called, or the
  /// time is over. Returns the new mark.
  @discardableResult
  public func waitForWork(_ lanes: [Lane], since mark: UInt64, timeout: Span) -> UInt64 {
    bell.wait(lanes.bits, past: mark, timeout: timeout)
  }

  /// Has `body` called, on whatever thread, when something was sealed on one of the lanes, and with `wakeWaiters`. For
  /// whoever waits for something else besides. It must return at once, and stays for as long as the outbox does.
  public func onWork(_ lanes: [Lane], _ body: @escaping @Sendable () -> Void) { bell.onRing(lanes.bits, body) }

  /// Lets every `waitForWork` return, for whoever wants to stop.
  public func wakeWaiters() { bell.ring(Lane.allCases.bits) }

  func ring(_ lanes: Set<Lane>) {
    if !lanes.isEmpty { bell.ring(Array(lanes).bits) }
  }

  // MARK: The lock

  func withStore<T>(_ body: (Store) throws -> T) throws -> T {
    try lock.withLock {
      if let halt = store.halt { throw halt }
      do {
        return try body(store)
      } catch let error as DatabaseError {
        store.note(error)
        throw error
      }
    }
  }
}

/// See `Outbox.OutboxTransaction`.
public typealias OutboxTransaction = Outbox.OutboxTransaction
