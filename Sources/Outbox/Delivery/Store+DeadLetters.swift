import Glibc
import SQLite
import Telemetry

extension Store {
  /// Settles a batch as refused; true where a record on the status lane tells of it. Inside a transaction.
  func refuse(_ batch: Batch, _ destination: ActiveDestination, reason: String) throws -> Bool {
    guard let era = era(batch.era) else { return false }
    let reason = String(reason.prefix(200))
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

  func deadLetterCount() throws -> Int64 { try database.integer("SELECT count(*) FROM outbox_dead_letter") }

  func deadLetters(limit: Int) throws -> [DeadLetter] {
    let statement = try database.statement(
      """
      SELECT destination, lane, first, last, time, reason, record FROM outbox_dead_letter ORDER BY id DESC LIMIT ?1
      """
    ).bind(1, limit)
    defer { statement.reset() }
    var letters: [DeadLetter] = []
    while try statement.step() {
      guard let lane = Lane(code: statement.integer(1)) else { continue }
      letters.append(
        DeadLetter(
          destination: statement.text(0), lane: lane, first: statement.integer(2), last: statement.integer(3),
          time: Timestamp(milliseconds: statement.integer(4)), reason: statement.text(5), record: statement.blob(6)))
    }
    return letters
  }
}
