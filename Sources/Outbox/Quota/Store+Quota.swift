import SQLite
import Telemetry

/// The steps of `Outbox.enforceQuota`, each inside a transaction and of bounded size.
extension Store {
  struct Droppable {
    let id, first, last: Int64
    let records: Int64
  }

  /// How far a lane is settled by all of `ids`.
  private func floor(_ ids: [Int64], _ era: Era, _ lane: Lane) throws -> Int64 {
    try ids.map { try position($0, era, lane).delivered }.min() ?? 0
  }

  /// Deletes up to `limit` of the oldest batches that every destination has; returns how many.
  func deleteDelivered(limit: Int) throws -> Int {
    var deleted = 0
    for era in eras {
      for lane in Lane.allCases {
        for range in try settledByAll(era, lane) where deleted < limit {
          let statement = try database.statement(
            """
            SELECT id FROM outbox_batch WHERE stream='' AND era=?1 AND lane=?2 AND first>=?3 AND first<=?4 AND last<=?4
            ORDER BY first LIMIT ?5
            """
          ).bind(1, era.id).bind(2, lane.code).bind(3, range.first).bind(4, range.last).bind(5, limit - deleted)
          var ids: [Int64] = []
          while try statement.step() { ids.append(statement.integer(0)) }
          statement.reset()
          for id in ids { try delete(id) }
          deleted += ids.count
        }
      }
    }
    return deleted
  }

  /// What every destination has that gets anything of the numbering. A numbering that nobody gets any more, while
  /// there are destinations, is nobody's loss.
  private func settledByAll(_ era: Era, _ lane: Lane) throws -> [Range] {
    let subscribers = subscribers(era)
    if subscribers.isEmpty { return destinations.isEmpty ? [] : [Range(first: 1, last: .max)] }
    var common: [Range]?
    for destination in subscribers {
      let floor = try position(destination.id, era, lane).delivered
      let settled = (floor > 0 ? [Range(first: 1, last: floor)] : []) + (try ahead(destination.id, era, lane))
      common = common.map { Range.intersection($0, settled) } ?? settled
      if common?.isEmpty == true { return [] }
    }
    return common ?? []
  }

  /// Bytes of batches that only optional destinations lack.
  func bytesForOptionalOnly() throws -> Int64 {
    guard destinations.contains(where: { !$0.isRequired }) else { return 0 }
    var bytes: Int64 = 0
    for era in eras where subscribers(era).contains(where: { !$0.isRequired }) {
      for lane in Lane.allCases {
        let statement = try database.statement(
          """
          SELECT total(length(body)) FROM outbox_batch WHERE stream='' AND era=?1 AND lane=?2 AND first<=?3 AND last<=?3
          """
        ).bind(1, era.id).bind(2, lane.code).bind(3, try requiredFloor(era, lane))
        defer { statement.reset() }
        _ = try statement.step()
        bytes += Int64(statement.double(0))
      }
    }
    return bytes
  }

  /// How far the destinations that count have come; beyond everything where none of them gets any of it.
  private func requiredFloor(_ era: Era, _ lane: Lane) throws -> Int64 {
    let required = subscribers(era).filter(\.isRequired)
    return required.isEmpty ? .max : try floor(required.map(\.id), era, lane)
  }

  /// Replaces up to `limit` of the lane's oldest droppable batches by accountings; returns how many records went.
  ///
  /// Droppable is what no destination has in doubt: to each it was either delivered or never sent. So a destination
  /// that lives is not shown two contents, and one that is dead doesn't hold back the room.
  ///
  /// - Parameter deliveredOnly: Only batches that every destination that counts has, that is, those which only
  ///   optional ones lack.
  func drop(_ lane: Lane, limit: Int, deliveredOnly: Bool) throws -> Int64 {
    var dropped: Int64 = 0
    for era in eras where dropped == 0 {
      let ceiling = deliveredOnly ? try requiredFloor(era, lane) : Int64.max
      let rows = try droppable(era, lane, upTo: ceiling, limit: limit)
      for row in rows {
        try delete(row.id)
        try account(for: row.first, through: row.last, era, lane, reason: "quota")
        dropped += row.records
      }
    }
    if dropped > 0 { try add(dropped, to: .dropped) }
    return dropped
  }

  private func droppable(_ era: Era, _ lane: Lane, upTo ceiling: Int64, limit: Int) throws -> [Droppable] {
    let statement = try database.statement(
      """
      SELECT b.id, b.first, b.last, b.records FROM outbox_batch b
      WHERE b.stream='' AND b.era=?1 AND b.lane=?2 AND b.last<=?3 AND b.reason IS NULL AND NOT EXISTS(
        SELECT 1 FROM outbox_position p
        WHERE p.destination IN (\(activeIDs)) AND p.era=b.era AND p.lane=b.lane
          AND p.delivered<b.last AND p.attempted>=b.first)
        AND NOT EXISTS(
        SELECT 1 FROM outbox_attempt a
        WHERE a.destination IN (\(activeIDs)) AND a.era=b.era AND a.lane=b.lane AND a.last>=b.first AND a.first<=b.last)
      ORDER BY b.first LIMIT ?4
      """
    ).bind(1, era.id).bind(2, lane.code).bind(3, ceiling).bind(4, limit)
    defer { statement.reset() }
    var rows: [Droppable] = []
    while try statement.step() {
      rows.append(
        Droppable(
          id: statement.integer(0), first: statement.integer(1), last: statement.integer(2),
          records: statement.integer(3)))
    }
    return rows
  }

  /// Puts an accounting in the place of what was deleted, merged with its neighbours where that is no change of what
  /// anyone was sent.
  func account(for first: Int64, through last: Int64, _ era: Era, _ lane: Lane, reason: String) throws {
    var (first, last) = (first, last)
    if let before = try accounting(era, lane, "last=?3", first - 1, reason),
      try isMergeable(before.first, last, era, lane)
    {
      try delete(before.id)
      first = before.first
    }
    if let after = try accounting(era, lane, "first=?3", last + 1, reason),
      try isMergeable(first, after.last, era, lane)
    {
      try delete(after.id)
      last = after.last
    }
    try insertAccounting(era, lane, first: first, last: last, reason: reason)
  }

  private func accounting(
    _ era: Era, _ lane: Lane, _ condition: String, _ seq: Int64, _ reason: String
  ) throws -> Droppable? {
    // The index is ordered by `first`; the neighbour before is the last one that begins before `seq`.
    let order = condition.hasPrefix("last") ? "AND first<=?3 ORDER BY first DESC LIMIT 1" : "LIMIT 1"
    let statement = try database.statement(
      """
      SELECT id, first, last, records, reason FROM outbox_batch
      WHERE stream='' AND era=?1 AND lane=?2 AND \(condition) \(order)
      """
    ).bind(1, era.id).bind(2, lane.code).bind(3, seq)
    defer { statement.reset() }
    guard try statement.step(), statement.optionalText(4) == reason else { return nil }
    return Droppable(
      id: statement.integer(0), first: statement.integer(1), last: statement.integer(2), records: statement.integer(3))
  }

  /// Whether each destination, configured today or not, either has all of the range or was never sent any of it.
  private func isMergeable(_ first: Int64, _ last: Int64, _ era: Era, _ lane: Lane) throws -> Bool {
    let statement = try database.statement(
      """
      SELECT 1 FROM outbox_position WHERE era=?1 AND lane=?2 AND delivered<?4 AND attempted>=?3
      UNION ALL SELECT 1 FROM outbox_attempt WHERE era=?1 AND lane=?2 AND last>=?3 AND first<=?4 LIMIT 1
      """
    ).bind(1, era.id).bind(2, lane.code).bind(3, first).bind(4, last)
    defer { statement.reset() }
    return try !statement.step()
  }

  /// Gives pages back to the file system after an outage, a bounded number at a time. Only where more than half of
  /// the file is free: else the pages are wanted again soon, and moving them wears the flash for nothing.
  func shrink() throws {
    let pages = try database.integer("PRAGMA page_count")
    let free = try database.integer("PRAGMA freelist_count")
    guard free > 256, free > pages / 2 else { return }
    try database.execute("PRAGMA incremental_vacuum(\(min(1024, free / 2)))")
  }
}
