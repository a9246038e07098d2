import Glibc
import SQLite
import Telemetry

extension Store {
  /// Settles a batch as refused; true where a record on the status lane tells of it. Inside a transaction.
  func refuse(_ batch: Batch, _ destination: ActiveDestination, reason: String) throws -> Bool {
    guard let era = era(batch.era) else { return false }
    let reason = String(reason.prefix(200))
    if batch.id < 0 {
      // It was refused before, and that was told.
      try database.statement("UPDATE outbox_dead_letter SET retrying=0, reason=?2 WHERE id=?1")
        .bind(1, -batch.id).bind(2, reason).run()
      return false
    }
    let records = (try? batch.json()).flatMap(BatchBody.records)
    let record = records?.count == 1 ? records?[0] ?? [] : batch.body
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    try database.statement(
      """
      INSERT INTO outbox_dead_letter(destination, era, lane, first, last, time, reason, record)
      VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
      """
    ).bind(1, destination.name).bind(2, era.id).bind(3, batch.lane.code).bind(4, batch.first).bind(5, batch.last)
      .bind(6, Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000).bind(7, reason).bind(8, record).run()
    try database.statement(
      """
      DELETE FROM outbox_dead_letter WHERE id <= (
        SELECT id FROM outbox_dead_letter ORDER BY id DESC LIMIT 1 OFFSET ?1)
      """
    ).bind(1, DeadLetter.limit).run()
    try settle([Range(first: batch.first, last: batch.last)], destination, era, batch.lane)
    // A refused notice of a refusal would beget the next one, for ever.
    let isNotice = batch.lane == .status && record.starts(with: "{\"seq\":\(batch.first),\"type\":\"refused\"".utf8)
    guard !isNotice else { return false }
    var json = JSONWriter()
    json.object { json in
      json.field("type", "refused")
      json.field("destination", destination.name)
      json.field("lane", batch.lane.rawValue)
      json.field("refused", batch.first)
      if batch.last != batch.first { json.field("through", batch.last) }
      if era.generation != self.era.generation { json.field("generation", era.generation) }
      json.field("reason", reason)
    }
    try seal([json.bytes], .status, rawFrom: derivedBefore())
    return true
  }

  /// Dead letters that are to be tried once more, as batches of one; their ids are negative.
  func retried(
    _ destination: ActiveDestination, _ lane: Lane, limit: Int, part: Outbox.Part
  ) throws -> [Batch] {
    if case .after = part { return [] }
    let statement = try database.statement(
      """
      SELECT id, era, first, last, record FROM outbox_dead_letter
      WHERE retrying=1 AND destination=?1 AND lane=?2 ORDER BY id LIMIT ?3
      """
    ).bind(1, destination.name).bind(2, lane.code).bind(3, limit)
    defer { statement.reset() }
    var batches: [Batch] = []
    while try statement.step() {
      guard let era = era(statement.integer(1)) else { continue }
      let (first, last) = (statement.integer(2), statement.integer(3))
      let body = BatchBody.make(era, lane, first: first, last: last, lines: [statement.blob(4)])
      batches.append(
        Batch(
          id: -statement.integer(0), era: era, lane: lane, first: first, last: last, recordCount: 1,
          encoding: packer.encoding, body: try Codec.compress(body, packer.encoding)))
    }
    return batches
  }

  /// Returns the lane that has something to send now; `nil` where the letter can't be sent.
  func retryDeadLetter(_ id: Int64) throws -> Lane? {
    let statement = try database.statement("SELECT lane, era, destination, record FROM outbox_dead_letter WHERE id=?1")
    defer { statement.reset() }
    guard try statement.bind(1, id).step(), let lane = Lane(code: statement.integer(0)),
      era(statement.integer(1)) != nil, destinations.contains(where: { $0.name == statement.text(2) }),
      statement.blob(3).starts(with: "{\"seq\":".utf8)
    else { return nil }
    try database.statement("UPDATE outbox_dead_letter SET retrying=1 WHERE id=?1").bind(1, id).run()
    return lane
  }

  func forgetDeadLetter(_ id: Int64) throws {
    try database.statement("DELETE FROM outbox_dead_letter WHERE id=?1").bind(1, id).run()
  }

  func deadLetterCount() throws -> Int64 { try database.integer("SELECT count(*) FROM outbox_dead_letter") }

  func deadLetters(limit: Int) throws -> [DeadLetter] { try DeadLetter.read(database, limit: limit) }

  // MARK: The month's budget

  func used(_ destination: ActiveDestination) throws -> (month: Int64?, bytes: Int64) {
    let statement = try database.statement("SELECT month, spent FROM outbox_budget WHERE destination=?1")
    defer { statement.reset() }
    guard try statement.bind(1, destination.id).step() else { return (nil, 0) }
    return (statement.isNull(0) ? nil : statement.integer(0), statement.integer(1))
  }

  func setUsed(_ used: (month: Int64?, bytes: Int64), _ destination: ActiveDestination) throws {
    let statement = try database.statement(
      """
      INSERT INTO outbox_budget(destination, month, spent) VALUES(?1, ?2, ?3)
      ON CONFLICT(destination) DO UPDATE SET month=excluded.month, spent=excluded.spent
      """
    ).bind(1, destination.id).bind(3, used.bytes)
    if let month = used.month { statement.bind(2, month) }
    try statement.run()
  }
}
