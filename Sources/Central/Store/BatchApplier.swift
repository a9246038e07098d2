import SQLite
import Telemetry

/// Applies batches to the database, on the writer's thread.
final class BatchApplier {
  struct Entry: Sendable {
    var batch: Batch
    var time: Timestamp
  }

  /// Fingerprints are kept for so many of a numbering's latest numbers. A sender repeats what it sent lately; with
  /// 23 bytes each, this bounds a numbering at 2.3 MB.
  private static let fingerprintsKept: Int64 = 100_000

  let database: Database

  init(path: String) throws {
    database = try Database(path: path, mode: .writer)
    try Schema.prepare(database)
  }

  /// All batches in one transaction: they share the one sync that makes them durable.
  func apply(_ entries: [Entry]) throws -> [Receipt] {
    try database.transaction { try entries.map { try apply($0.batch, at: $0.time.nanoseconds) } }
  }

  private func apply(_ batch: Batch, at time: Int64) throws -> Receipt {
    let gateway = try identify(gateway: batch.gateway, time)
    let epoch = try identify(epoch: batch.epoch, of: gateway)
    let numbering = try identify(numbering: batch, epoch, time)
    let before = try covered(numbering, around: batch.first...batch.last)
    var now = before
    var receipt = Receipt()
    var counts = GatewayCounts()
    for record in batch.records {
      if now.contains(record.covered) {
        receipt.duplicates += 1
        if try isConflicting(record, numbering) { receipt.conflicts += 1 }
      } else {
        receipt.accepted += 1
        now.insert(record.covered)
        try keepFingerprint(record, numbering)
        if record.body == .refused { counts.refused += 1 }
        if record.body == .dropped { counts.dropped += record.through - record.seq + 1 }
      }
      switch record.body {
      case .summary(let summary):
        if try apply(summary, record, batch, epoch) { counts.summaries += 1 }
      case .alarm(let alarm):
        if try apply(alarm, record, batch, epoch) { counts.alarms += 1 }
      case .status(let backlog):
        try keep(record, numbering)
        try keepStatus(record, backlog: backlog, batch.generation, epoch)
      case .dropped, .refused, .unknown: try keep(record, numbering)
      }
    }
    try replace(before, with: now, numbering)
    try forgetFingerprints(numbering, below: batch.last - BatchApplier.fingerprintsKept)
    counts.records = Int64(receipt.accepted)
    counts.duplicates = Int64(receipt.duplicates)
    counts.conflicts = Int64(receipt.conflicts)
    try add(counts, to: gateway, time)
    return receipt
  }
}

// MARK: Who sent it

extension BatchApplier {
  private func identify(gateway name: String, _ time: Int64) throws -> Int64 {
    let find = try database.statement("SELECT id FROM gateways WHERE name = ?1")
    find.bind(1, name)
    defer { find.reset() }
    if try find.step() { return find.integer(0) }
    try database.statement("INSERT INTO gateways(name, first_contact, last_contact) VALUES(?1, ?2, ?2)")
      .bind(1, name).bind(2, time).run()
    return database.lastInsertedRow
  }

  private func identify(epoch: String, of gateway: Int64) throws -> Int64 {
    let find = try database.statement("SELECT id FROM epochs WHERE gateway = ?1 AND epoch = ?2")
    find.bind(1, gateway).bind(2, epoch)
    defer { find.reset() }
    if try find.step() { return find.integer(0) }
    try database.statement("INSERT INTO epochs(gateway, epoch) VALUES(?1, ?2)").bind(1, gateway).bind(2, epoch).run()
    return database.lastInsertedRow
  }

  private func identify(numbering batch: Batch, _ epoch: Int64, _ time: Int64) throws -> Int64 {
    let upsert = try database.statement(
      """
      INSERT INTO numberings(epoch, generation, lane, stream, last_contact) VALUES(?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(epoch, generation, lane, stream) DO UPDATE SET last_contact = excluded.last_contact
      RETURNING id
      """)
    upsert.bind(1, epoch).bind(2, batch.generation).bind(3, batch.lane).bind(4, batch.stream).bind(5, time)
    defer { upsert.reset() }
    guard try upsert.step() else { throw StoreError.failed("a numbering was neither found nor made") }
    let id = upsert.integer(0)
    while try upsert.step() {}
    return id
  }

  private func add(_ counts: GatewayCounts, to gateway: Int64, _ time: Int64) throws {
    try database.statement(
      """
      UPDATE gateways SET last_contact = max(last_contact, ?2), batches = batches + 1, records = records + ?3,
        duplicates = duplicates + ?4, conflicts = conflicts + ?5, summaries = summaries + ?6, alarms = alarms + ?7,
        dropped = min(dropped + ?8, 9007199254740991), refused = refused + ?9 WHERE id = ?1
      """
    ).bind(1, gateway).bind(2, time).bind(3, counts.records).bind(4, counts.duplicates).bind(5, counts.conflicts)
      .bind(6, counts.summaries).bind(7, counts.alarms).bind(8, counts.dropped).bind(9, counts.refused).run()
  }
}

// MARK: What has come

extension BatchApplier {
  /// The ranges that overlap or touch `range`: all that inserting into it can change.
  private func covered(_ numbering: Int64, around range: ClosedRange<Int64>) throws -> SeqRanges {
    let select = try database.statement(
      "SELECT first, last FROM covered WHERE numbering = ?1 AND last >= ?2 ORDER BY last")
    select.bind(1, numbering).bind(2, range.lowerBound - 1)
    defer { select.reset() }
    var found = SeqRanges()
    while try select.step(), select.integer(0) <= range.upperBound + 1 {
      found.insert(select.integer(0)...select.integer(1))
    }
    return found
  }

  private func replace(_ old: SeqRanges, with new: SeqRanges, _ numbering: Int64) throws {
    guard old != new else { return }
    for range in old.ranges {
      try database.statement("DELETE FROM covered WHERE numbering = ?1 AND last = ?2")
        .bind(1, numbering).bind(2, range.upperBound).run()
    }
    for range in new.ranges {
      try database.statement("INSERT INTO covered(numbering, last, first) VALUES(?1, ?2, ?3)")
        .bind(1, numbering).bind(2, range.upperBound).bind(3, range.lowerBound).run()
    }
  }

  private func isConflicting(_ record: BatchRecord, _ numbering: Int64) throws -> Bool {
    let find = try database.statement("SELECT hash FROM fingerprints WHERE numbering = ?1 AND seq = ?2")
    find.bind(1, numbering).bind(2, record.seq)
    defer { find.reset() }
    return try find.step() && find.integer(0) != record.fingerprint
  }

  private func keepFingerprint(_ record: BatchRecord, _ numbering: Int64) throws {
    try database.statement("INSERT OR IGNORE INTO fingerprints(numbering, seq, hash) VALUES(?1, ?2, ?3)")
      .bind(1, numbering).bind(2, record.seq).bind(3, record.fingerprint).run()
  }

  private func forgetFingerprints(_ numbering: Int64, below seq: Int64) throws {
    guard seq > 0 else { return }
    try database.statement("DELETE FROM fingerprints WHERE numbering = ?1 AND seq < ?2")
      .bind(1, numbering).bind(2, seq).run()
  }
}

// MARK: The records

extension BatchApplier {
  /// True where the key is new; a higher version replaces, a lower or equal one changes nothing.
  private func apply(
    _ summary: BatchRecord.Summary, _ record: BatchRecord, _ batch: Batch, _ epoch: Int64
  ) throws -> Bool {
    let (kind, subject) =
      switch summary.subject {
      case .device(let name): (0, name)
      case .group(let name): (1, name)
      }
    try database.statement(
      """
      INSERT INTO summaries(start, gateway, subject, end, epoch, kind, generation, revision, void, record)
      VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING
      """
    ).bind(1, summary.start).bind(2, batch.gateway).bind(3, subject).bind(4, summary.end).bind(5, epoch)
      .bind(6, kind).bind(7, batch.generation).bind(8, summary.revision).bind(9, summary.isVoid ? 1 : 0)
      .bind(10, record.text).run()
    if database.changes > 0 { return true }
    try database.statement(
      """
      UPDATE summaries SET generation = ?7, revision = ?8, void = ?9, record = ?10
      WHERE start = ?1 AND gateway = ?2 AND subject = ?3 AND end = ?4 AND epoch = ?5 AND kind = ?6
        AND (generation, revision) < (?7, ?8)
      """
    ).bind(1, summary.start).bind(2, batch.gateway).bind(3, subject).bind(4, summary.end).bind(5, epoch)
      .bind(6, kind).bind(7, batch.generation).bind(8, summary.revision).bind(9, summary.isVoid ? 1 : 0)
      .bind(10, record.text).run()
    return false
  }

  /// True where the transition is new. The first one stays: an alarm derived again has the same id.
  private func apply(
    _ alarm: BatchRecord.Alarm, _ record: BatchRecord, _ batch: Batch, _ epoch: Int64
  ) throws -> Bool {
    try database.statement(
      """
      INSERT INTO alarms(id, gateway, epoch, generation, device, latest, raised, cleared)
      VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING
      """
    ).bind(1, alarm.id).bind(2, batch.gateway).bind(3, epoch).bind(4, batch.generation).bind(5, alarm.device)
      .bind(6, alarm.time).bind(7, alarm.isRaised ? record.text : nil).bind(8, alarm.isRaised ? nil : record.text)
      .run()
    if database.changes > 0 { return true }
    if alarm.isRaised {
      try database.statement("UPDATE alarms SET raised = ?2, latest = ?3 WHERE id = ?1 AND raised IS NULL")
        .bind(1, alarm.id).bind(2, record.text).bind(3, alarm.time).run()
    } else {
      try database.statement("UPDATE alarms SET cleared = ?2 WHERE id = ?1 AND cleared IS NULL")
        .bind(1, alarm.id).bind(2, record.text).run()
    }
    return database.changes > 0
  }

  private func keep(_ record: BatchRecord, _ numbering: Int64) throws {
    try database.statement("INSERT OR IGNORE INTO others(numbering, seq, type, record) VALUES(?1, ?2, ?3, ?4)")
      .bind(1, numbering).bind(2, record.seq).bind(3, record.type).bind(4, record.text).run()
  }

  private func keepStatus(_ record: BatchRecord, backlog: Int64?, _ generation: Int64, _ epoch: Int64) throws {
    let update = try database.statement(
      """
      UPDATE epochs SET status_generation = ?2, status_seq = ?3, status = ?4, backlog = ?5
      WHERE id = ?1 AND (status_generation, status_seq) < (?2, ?3)
      """)
    update.bind(1, epoch).bind(2, generation).bind(3, record.seq).bind(4, record.text)
    if let backlog { update.bind(5, backlog) }
    try update.run()
  }
}
