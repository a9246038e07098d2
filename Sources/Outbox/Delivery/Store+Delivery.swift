import SQLite
import Telemetry

extension Store {
  /// A batch that isn't covered by something settled out of order. Binds ?1 era, ?2 lane, ?3 delivered, ?4 destination.
  private static let pending =
    """
    FROM outbox_batch b WHERE b.stream='' AND b.era=?1 AND b.lane=?2 AND b.first>?3 AND NOT EXISTS(
      SELECT 1 FROM outbox_ahead a
      WHERE a.destination=?4 AND a.era=b.era AND a.lane=b.lane AND a.first<=b.first AND a.last>=b.last)
    """

  func position(_ destination: Int64, _ era: Era, _ lane: Lane) throws -> Position {
    let statement = try database.statement(
      "SELECT delivered, attempted FROM outbox_position WHERE destination=?1 AND era=?2 AND lane=?3")
    defer { statement.reset() }
    guard try statement.bind(1, destination).bind(2, era.id).bind(3, lane.code).step() else { return Position() }
    return Position(delivered: statement.integer(0), attempted: statement.integer(1))
  }

  func set(_ position: Position, _ destination: Int64, _ era: Era, _ lane: Lane) throws {
    try database.statement(
      """
      INSERT INTO outbox_position(destination, era, lane, delivered, attempted) VALUES(?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(destination, era, lane) DO UPDATE SET delivered=excluded.delivered, attempted=excluded.attempted
      """
    ).bind(1, destination).bind(2, era.id).bind(3, lane.code).bind(4, position.delivered)
      .bind(5, max(position.attempted, position.delivered)).run()
  }

  /// The oldest batches of that part that the destination lacks; from now on they count as attempted.
  func nextBatches(
    _ destination: ActiveDestination, _ lane: Lane, limit: Int, part: Outbox.Part
  ) throws -> [Batch] {
    var found = try retried(destination, lane, limit: limit, part: part)
    var reservations: [(era: Era, position: Position)] = []
    var attempts: [(era: Era, range: Range)] = []
    for era in destination.eras where found.count < limit {
      guard let bounds = bounds(of: part, in: era, destination) else { continue }
      var position = try position(destination.id, era, lane)
      let statement = try database.statement(
        """
        SELECT b.id, b.first, b.last, b.records, b.encoding, b.body \(Store.pending) AND b.first<=?6
        ORDER BY b.first LIMIT ?5
        """)
      statement.bind(1, era.id).bind(2, lane.code).bind(3, max(position.delivered, bounds.after))
        .bind(4, destination.id).bind(5, limit - found.count).bind(6, bounds.through)
      defer { statement.reset() }
      let before = found.count
      var last: Int64 = 0
      while try statement.step() {
        guard let encoding = UplinkDefinition.Compression(rawValue: statement.text(4)) else { continue }
        found.append(
          Batch(
            id: statement.integer(0), era: era, lane: lane, first: statement.integer(1), last: statement.integer(2),
            recordCount: Int(statement.integer(3)), encoding: encoding, body: statement.blob(5)))
        last = statement.integer(2)
      }
      guard last > position.attempted else { continue }
      if bounds.after > position.delivered {
        // What lies between was perhaps never sent, and may be dropped: so this stands by itself.
        let range = Range(first: found[before].first, last: last)
        if try !self.attempts(destination.id, era, lane).contains(where: { $0.first <= range.first && $0.last >= last })
        {
          attempts.append((era, range))
        }
      } else {
        position.attempted = last
        reservations.append((era, position))
      }
    }
    if !reservations.isEmpty || !attempts.isEmpty {
      try database.transaction {
        for reservation in reservations { try set(reservation.position, destination.id, reservation.era, lane) }
        for attempt in attempts {
          let known = try self.attempts(destination.id, attempt.era, lane)
          try replace("attempt", known, by: Range.coalesced(known + [attempt.range]), destination.id, attempt.era, lane)
        }
      }
    }
    return found
  }

  /// The numbers that a part of a lane has in one of the destination's numberings; `nil` for none.
  private func bounds(
    of part: Outbox.Part, in era: Era, _ destination: ActiveDestination
  ) -> (after: Int64, through: Int64)? {
    func order(_ mark: Outbox.Mark) -> Int {
      let place = { (id: Int64) in destination.eras.firstIndex { $0.id == id } ?? -1 }
      return place(era.id) - place(mark.era)
    }
    switch part {
    case .all: return (0, .max)
    case .through(let mark):
      let order = order(mark)
      return order > 0 ? nil : (0, order == 0 ? mark.seq : .max)
    case .after(let mark):
      let order = order(mark)
      return order < 0 ? nil : (order == 0 ? mark.seq : 0, .max)
    }
  }

  /// The newest number that was sealed on the lane.
  func newest(_ destination: ActiveDestination, _ lane: Lane) throws -> Outbox.Mark? {
    try destination.eras.last.map { Outbox.Mark(era: $0.id, seq: try nextSeq($0, lane) - 1) }
  }

  /// Notes ranges as settled, and moves the cursor over all that is settled without a gap. Inside a transaction.
  func settle(_ ranges: [Range], _ destination: ActiveDestination, _ era: Era, _ lane: Lane) throws {
    var position = try position(destination.id, era, lane)
    let before = try ahead(destination.id, era, lane)
    var settled = Range.coalesced(before + ranges)
    // Rows that quota or halving has changed since count by what they cover.
    let next = try database.statement(
      """
      SELECT first, last FROM outbox_batch WHERE stream='' AND era=?1 AND lane=?2 AND first>?3 ORDER BY first LIMIT 1
      """)
    defer { next.reset() }
    while true {
      // Batches that all have are deleted although older ones wait: there is no row to step over.
      if let range = settled.first(where: { $0.first <= position.delivered + 1 && $0.last > position.delivered }) {
        position.delivered = range.last
      }
      next.reset()
      guard try next.bind(1, era.id).bind(2, lane.code).bind(3, position.delivered).step() else { break }
      let (first, last) = (next.integer(0), next.integer(1))
      guard settled.contains(where: { $0.first <= first && $0.last >= last }) else { break }
      position.delivered = last
    }
    settled.removeAll { $0.last <= position.delivered }
    try replace("ahead", before, by: settled, destination.id, era, lane)
    let attempts = try attempts(destination.id, era, lane)
    try replace("attempt", attempts, by: attempts.filter { $0.last > position.delivered }, destination.id, era, lane)
    try set(try reserving(position, era, lane), destination.id, era, lane)
  }

  /// The position with what is likely to be sent next marked as attempted, so that it costs no commit of its own.
  private func reserving(_ position: Position, _ era: Era, _ lane: Lane) throws -> Position {
    let batches = try database.statement(
      """
      SELECT max(last) FROM (
        SELECT last FROM outbox_batch WHERE stream='' AND era=?1 AND lane=?2 AND first>?3 ORDER BY first LIMIT ?4)
      """)
    defer { batches.reset() }
    _ = try batches.bind(1, era.id).bind(2, lane.code).bind(3, position.delivered)
      .bind(4, Position.reservedBatches).step()
    var reserved = position
    reserved.attempted = max(position.attempted, position.delivered + Position.reserve, batches.integer(0))
    return reserved
  }

  private func replace(
    _ table: String, _ before: [Range], by after: [Range], _ destination: Int64, _ era: Era, _ lane: Lane
  ) throws {
    guard before != after else { return }
    try database.statement("DELETE FROM outbox_\(table) WHERE destination=?1 AND era=?2 AND lane=?3")
      .bind(1, destination).bind(2, era.id).bind(3, lane.code).run()
    for range in after {
      try database.statement(
        "INSERT INTO outbox_\(table)(destination, era, lane, first, last) VALUES(?1, ?2, ?3, ?4, ?5)"
      ).bind(1, destination).bind(2, era.id).bind(3, lane.code).bind(4, range.first).bind(5, range.last).run()
    }
  }

  /// What is settled beyond the cursor.
  func ahead(_ destination: Int64, _ era: Era, _ lane: Lane) throws -> [Range] {
    try ranges("ahead", destination, era, lane)
  }

  /// What was perhaps sent beyond `attempted`.
  func attempts(_ destination: Int64, _ era: Era, _ lane: Lane) throws -> [Range] {
    try ranges("attempt", destination, era, lane)
  }

  private func ranges(_ table: String, _ destination: Int64, _ era: Era, _ lane: Lane) throws -> [Range] {
    let statement = try database.statement(
      "SELECT first, last FROM outbox_\(table) WHERE destination=?1 AND era=?2 AND lane=?3 ORDER BY first")
    defer { statement.reset() }
    statement.bind(1, destination).bind(2, era.id).bind(3, lane.code)
    var ranges: [Range] = []
    while try statement.step() { ranges.append(Range(first: statement.integer(0), last: statement.integer(1))) }
    return ranges
  }

  func backlog(_ destination: ActiveDestination) throws -> [LaneBacklog] {
    try Lane.allCases.map { lane in
      var backlog = LaneBacklog(lane: lane)
      for era in destination.eras {
        let statement = try database.statement("SELECT count(*), total(b.records) \(Store.pending)")
        defer { statement.reset() }
        _ = try statement.bind(1, era.id).bind(2, lane.code)
          .bind(3, try position(destination.id, era, lane).delivered).bind(4, destination.id).step()
        backlog.batches += statement.integer(0)
        backlog.records += Int64(statement.double(1))
      }
      return backlog
    }
  }

  /// Puts two halves in the batch's place. Does nothing where the batch is no more.
  func split(_ batch: Batch) throws {
    let statement = try database.statement(
      "SELECT first, last, records, reason, raw_from, encoding, body FROM outbox_batch WHERE id=?1")
    defer { statement.reset() }
    guard try statement.bind(1, batch.id).step(), statement.integer(2) > 1, let era = era(batch.era),
      let encoding = UplinkDefinition.Compression(rawValue: statement.text(5))
    else { return }
    let (first, last) = (statement.integer(0), statement.integer(1))
    let rawFrom = statement.isNull(4) ? nil : statement.integer(4)
    guard let lines = BatchBody.records(try Codec.expand(statement.blob(6), encoding)),
      Int64(lines.count) == last - first + 1
    else {
      throw OutboxError(
        .damagedBatch, operation: "halving \(batch.idempotencyKey) of", path: database.path,
        message: "its records can't be read back", hint: "it goes to the dead letters; look at the disk")
    }
    try delete(batch.id)
    let middle = lines.count / 2
    for part in [lines[..<middle], lines[middle...]] {
      let start = first + Int64(part.startIndex)
      let end = start + Int64(part.count) - 1
      let body = try Codec.compress(BatchBody.make(era, batch.lane, first: start, last: end, lines: part), encoding)
      try insert(
        era, batch.lane, first: start, last: end, records: part.count, reason: nil, rawFrom: rawFrom,
        encoding: encoding, body: body)
    }
  }

  func era(_ id: Int64) -> Era? { eras.first { $0.id == id } }
}
