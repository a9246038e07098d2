import SQLite
import Telemetry

/// Reads what can be read of a damaged outbox that was set aside. What it yields is still sent under its old
/// generation; receivers take the higher generation where a window is derived again.
struct Salvage {
  let path: String

  func generation(of epoch: String) throws -> Int? {
    let damaged = try Database(path: path, mode: .reader)
    let statement = try damaged.statement("SELECT max(generation) FROM outbox_era WHERE epoch=?1")
    defer { statement.reset() }
    guard try statement.bind(1, epoch).step(), !statement.isNull(0) else { return nil }
    return Int(statement.integer(0))
  }

  /// Copies eras, destinations' positions, dead letters and every batch whose bytes are sound; returns how many of
  /// those. Each table for itself: one that can't be read doesn't hinder the others. Once only: where the eras are there,
  /// an earlier start has copied it all, and came no further.
  ///
  /// - Throws: where what was read can't be written; it is to be copied again then.
  func copy(to database: Database) throws -> Int {
    var copied = 0
    try passingOver(database) {
      let damaged = try Database(path: path, mode: .reader)
      let eras = try Opening.eras(in: damaged)
      let known = try Opening.eras(in: database)
      let isKnown = { (era: Era) in
        known.contains {
          ($0.gateway, $0.epoch, $0.generation, $0.stream) == (era.gateway, era.epoch, era.generation, era.stream)
        }
      }
      if !eras.isEmpty, eras.allSatisfy(isKnown) { return }
      var newIDs: [Int64: Int64] = [:]
      for era in eras {
        newIDs[era.id] = try Opening.add(era, to: database)
      }
      try passingOver(database) { try copyPositions(damaged, to: database, newIDs) }
      try passingOver(database) { try copyStreams(damaged, to: database) }
      try passingOver(database) { try copyRanges("outbox_ahead", damaged, to: database, newIDs) }
      try passingOver(database) { try copyRanges("outbox_attempt", damaged, to: database, newIDs) }
      try passingOver(database) { try copyDeadLetters(damaged, to: database, newIDs) }
      copied = try copyBatches(damaged, to: database, newIDs)
    }
    return copied
  }

  /// What can't be read, or is no row of ours, is passed over. What the disk has no room for is not: with the file set
  /// aside it would be forgotten.
  private func passingOver(_ database: Database, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as DatabaseError where error.path == database.path && [.full, .io].contains(error.kind) {
      throw error
    } catch {
    }
  }

  private func copyPositions(_ damaged: Database, to database: Database, _ eras: [Int64: Int64]) throws {
    let rows = try damaged.statement(
      """
      SELECT d.name, p.era, p.lane, p.delivered, p.attempted
      FROM outbox_position p JOIN outbox_destination d ON d.id = p.destination
      """)
    defer { rows.reset() }
    while try rows.step() {
      guard let era = eras[rows.integer(1)] else { continue }
      try database.statement("INSERT OR IGNORE INTO outbox_destination(name, active) VALUES(?1, 0)")
        .bind(1, rows.text(0)).run()
      try database.statement(
        """
        INSERT OR IGNORE INTO outbox_position(destination, era, lane, delivered, attempted)
        SELECT id, ?2, ?3, ?4, ?5 FROM outbox_destination WHERE name=?1
        """
      ).bind(1, rows.text(0)).bind(2, era).bind(3, rows.integer(2)).bind(4, rows.integer(3)).bind(5, rows.integer(4))
        .run()
    }
  }

  /// Which numberings there were, and who gets what of them. A file of the first version has neither table.
  private func copyStreams(_ damaged: Database, to database: Database) throws {
    let streams = try damaged.statement("SELECT name, filter FROM outbox_stream")
    defer { streams.reset() }
    while try streams.step() {
      try database.statement("INSERT OR IGNORE INTO outbox_stream(name, filter) VALUES(?1, ?2)")
        .bind(1, streams.text(0)).bind(2, streams.text(1)).run()
    }
    let rows = try damaged.statement(
      """
      SELECT d.name, s.stream, d.stream FROM outbox_subscription s JOIN outbox_destination d ON d.id = s.destination
      """)
    defer { rows.reset() }
    while try rows.step() {
      try database.statement("INSERT OR IGNORE INTO outbox_destination(name, active, stream) VALUES(?1, 0, ?2)")
        .bind(1, rows.text(0)).bind(2, rows.text(2)).run()
      try database.statement("UPDATE outbox_destination SET stream=?2 WHERE name=?1")
        .bind(1, rows.text(0)).bind(2, rows.text(2)).run()
      try database.statement(
        "INSERT OR IGNORE INTO outbox_subscription(destination, stream) SELECT id, ?2 FROM outbox_destination WHERE name=?1"
      ).bind(1, rows.text(0)).bind(2, rows.text(1)).run()
    }
  }

  private func copyRanges(
    _ table: String, _ damaged: Database, to database: Database, _ eras: [Int64: Int64]
  ) throws {
    let rows = try damaged.statement(
      "SELECT d.name, r.era, r.lane, r.first, r.last FROM \(table) r JOIN outbox_destination d ON d.id = r.destination")
    defer { rows.reset() }
    while try rows.step() {
      guard let era = eras[rows.integer(1)] else { continue }
      try database.statement(
        """
        INSERT OR IGNORE INTO \(table)(destination, era, lane, first, last)
        SELECT id, ?2, ?3, ?4, ?5 FROM outbox_destination WHERE name=?1
        """
      ).bind(1, rows.text(0)).bind(2, era).bind(3, rows.integer(2)).bind(4, rows.integer(3)).bind(5, rows.integer(4))
        .run()
    }
  }

  private func copyDeadLetters(_ damaged: Database, to database: Database, _ eras: [Int64: Int64]) throws {
    let rows = try damaged.statement(
      "SELECT destination, era, lane, first, last, time, reason, record FROM outbox_dead_letter ORDER BY id")
    defer { rows.reset() }
    while try rows.step() {
      guard let era = eras[rows.integer(1)] else { continue }
      try database.statement(
        """
        INSERT INTO outbox_dead_letter(destination, era, lane, first, last, time, reason, record)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        """
      ).bind(1, rows.text(0)).bind(2, era).bind(3, rows.integer(2)).bind(4, rows.integer(3)).bind(5, rows.integer(4))
        .bind(6, rows.integer(5)).bind(7, rows.text(6)).bind(8, rows.blob(7)).run()
    }
  }

  private func copyBatches(_ damaged: Database, to database: Database, _ eras: [Int64: Int64]) throws -> Int {
    var copied = 0
    // One by one, so that a bad page costs only its own.
    for id in try ids(in: damaged) {
      guard let row = try? read(id, in: damaged), let era = eras[row.era],
        let body = try? Codec.expand(row.body, row.encoding), BatchBody.records(body)?.count == row.records
      else { continue }
      try database.statement(
        """
        INSERT OR IGNORE INTO outbox_batch(era, lane, first, last, records, reason, encoding, body)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        """
      ).bind(1, era).bind(2, row.lane).bind(3, row.first).bind(4, row.last).bind(5, row.records).bind(6, row.reason)
        .bind(7, row.encoding.rawValue).bind(8, row.body).run()
      copied += 1
    }
    return copied
  }

  private func ids(in damaged: Database) throws -> [Int64] {
    var ids: [Int64] = []
    // From both ends: a damaged page in the middle stops each walk.
    for order in ["", "DESC"] {
      let statement = try damaged.statement("SELECT id FROM outbox_batch NOT INDEXED ORDER BY id \(order)")
      defer { statement.reset() }
      while (try? statement.step()) == true { ids.append(statement.integer(0)) }
    }
    return Set(ids).sorted()
  }

  private struct Row {
    let era, lane, first, last: Int64
    let records: Int
    let reason: String?
    let encoding: UplinkDefinition.Compression
    let body: [UInt8]
  }

  private func read(_ id: Int64, in damaged: Database) throws -> Row? {
    let statement = try damaged.statement(
      "SELECT era, lane, first, last, records, reason, encoding, body FROM outbox_batch WHERE id=?1")
    defer { statement.reset() }
    guard try statement.bind(1, id).step(),
      let encoding = UplinkDefinition.Compression(rawValue: statement.text(6)), statement.integer(2) > 0,
      statement.integer(2) <= statement.integer(3)
    else { return nil }
    return Row(
      era: statement.integer(0), lane: statement.integer(1), first: statement.integer(2), last: statement.integer(3),
      records: Int(statement.integer(4)), reason: statement.optionalText(5), encoding: encoding,
      body: statement.blob(7))
  }
}
