import SQLite
import Telemetry

/// For uplinks. A destination that wasn't given at opening is an error everywhere.
extension Outbox {
  /// The oldest batch that the destination lacks on that lane, or `nil`.
  public func nextBatch(for destination: String, lane: Lane) throws -> Batch? {
    try nextBatches(for: destination, lane: lane, limit: 1).first
  }

  /// The oldest batches that the destination lacks on that lane, in order. All of them count as attempted from now on,
  /// which the quota respects: ask only for what is about to be sent.
  ///
  /// - Parameter part: what goes before a backlog, or the backlog itself, by a mark.
  public func nextBatches(for destination: String, lane: Lane, limit: Int, part: Part = .all) throws -> [Batch] {
    try withStore { try $0.nextBatches($0.destination(destination), lane, limit: limit, part: part) }
  }

  /// The place of the newest record on the destination's lane.
  public func newest(for destination: String, lane: Lane) throws -> Mark? {
    try withStore { try $0.newest($0.destination(destination), lane) }
  }

  /// Marks batches as delivered, in one commit. Ids that are no more (halved meanwhile) are passed over: their halves
  /// are sent again.
  public func delivered(_ ids: [Int64], for destination: String) throws {
    try withStore { store in
      var batches: [(era: Int64, lane: Lane, range: Store.Range)] = []
      for id in ids {
        if id < 0 {
          try store.forgetDeadLetter(-id)
          continue
        }
        let statement = try store.database.statement("SELECT era, lane, first, last FROM outbox_batch WHERE id=?1")
        defer { statement.reset() }
        guard try statement.bind(1, id).step(), let lane = Lane(code: statement.integer(1)) else { continue }
        batches.append(
          (statement.integer(0), lane, Store.Range(first: statement.integer(2), last: statement.integer(3))))
      }
      let active = try store.destination(destination)
      if !batches.isEmpty { try store.database.transaction { try settle(batches, active, store) } }
    }
  }

  /// Marks batches as delivered, in one commit; also where another destination has had them halved meanwhile.
  ///
  /// - Parameter used: of the month's budget so far, where one is kept: it goes into the same commit.
  public func delivered(
    _ batches: [Batch], for destination: String, used: (month: Int64?, bytes: Int64)? = nil
  ) throws {
    try withStore { store in
      if batches.isEmpty, used == nil { return }
      let active = try store.destination(destination)
      try store.database.transaction {
        for batch in batches where batch.id < 0 { try store.forgetDeadLetter(-batch.id) }
        if let used { try store.setUsed(used, active) }
        try settle(
          batches.filter { $0.id > 0 }.map { ($0.era, $0.lane, Store.Range(first: $0.first, last: $0.last)) }, active,
          store)
      }
    }
  }

  private func settle(
    _ batches: [(era: Int64, lane: Lane, range: Store.Range)], _ destination: Store.ActiveDestination, _ store: Store
  ) throws {
    for era in store.eras {
      for lane in Lane.allCases {
        let ranges = batches.filter { $0.era == era.id && $0.lane == lane }.map(\.range)
        if !ranges.isEmpty { try store.settle(ranges, destination, era, lane) }
      }
    }
  }

  /// Puts two halves in the batch's place, before either is sent. All destinations that lack it will get the halves.
  /// Does nothing where it was halved already, or holds one record.
  ///
  /// - Throws: `OutboxError` with `.damagedBatch` where its records can't be read back; `refuse` it then.
  public func split(_ batch: Batch) throws {
    try withStore { store in try store.database.transaction { try store.split(batch) } }
  }

  /// Puts a lone record that the destination refuses among the dead letters, counts it as settled for that
  /// destination, and tells of it by a record on the status lane (not where the record is such a notice itself).
  public func refuse(_ batch: Batch, for destination: String, reason: String) throws {
    let isTold = try withStore { store in
      let destination = try store.destination(destination)
      return try store.database.transaction { try store.refuse(batch, destination, reason: reason) }
    }
    if isTold { ring([.status]) }
  }

  /// What the destination still lacks, lane by lane.
  public func backlog(for destination: String) throws -> [LaneBacklog] {
    try withStore { try $0.backlog($0.destination(destination)) }
  }

  /// Begins the numbering of what this destination asks for, before the first `appendBackfill`.
  public func beginBackfill(for destination: String) throws { try withStore { try $0.beginBackfill(destination) } }

  /// What the destination has used of a calendar month, as it was told with `delivered`.
  public func used(by destination: String) throws -> (month: Int64?, bytes: Int64) {
    try withStore { try $0.used($0.destination(destination)) }
  }

  /// The latest dead letters, newest first.
  public func deadLetters(limit: Int = 100) throws -> [DeadLetter] {
    try withStore { try $0.deadLetters(limit: limit) }
  }

  /// Sends dead letters once more, under the numbers that they had; those that are taken are dead letters no more.
  /// Returns how many will be sent. What can't be read, or whose destination is no more, stays.
  @discardableResult
  public func retryDeadLetters(_ ids: [Int64]) throws -> Int {
    let lanes = try withStore { store in
      try store.database.transaction { try ids.compactMap { try store.retryDeadLetter($0) } }
    }
    ring(Set(lanes))
    return lanes.count
  }

  /// Forgets dead letters for good; returns how many there were.
  @discardableResult
  public func dropDeadLetters(_ ids: [Int64]) throws -> Int {
    try withStore { store in
      try store.database.transaction {
        try ids.reduce(0) { count, id in
          try store.forgetDeadLetter(id)
          return count + store.database.changes
        }
      }
    }
  }
}
