import SQLite
import Telemetry

extension Store {
  /// Numbers and packs what a transaction appended; returns the lanes that got something.
  func seal(_ transaction: OutboxTransaction) throws -> Set<Lane> {
    if let fault = transaction.fault { throw fault }
    let rawFrom = try derivedBefore()
    for lane in Lane.allCases {
      if let records = transaction.records[lane] { try seal(records, lane, rawFrom: rawFrom) }
    }
    for (destination, records) in transaction.backfill.sorted(by: { $0.key < $1.key }) {
      guard let era = try backfillEra(destination) else { continue }
      // Raw messages may go from the journal as if they had never been asked for.
      try seal(records, era, .backfill, rawFrom: .max)
    }
    if let rawBefore = transaction.rawBefore, rawBefore > rawFrom ?? .min {
      try database.statement("UPDATE outbox_journal SET raw_before=?2 WHERE epoch=?1")
        .bind(1, era.epoch).bind(2, rawBefore).run()
    }
    return Set(transaction.records.keys).union(transaction.backfill.isEmpty ? [] : [.backfill])
  }

  /// Puts records on a lane of every numbering that wants them.
  ///
  /// - Parameter rawFrom: How far the journal was derived before this transaction.
  func seal(_ records: [[UInt8]], _ lane: Lane, rawFrom: Int64?) throws {
    for target in targets where target.filter.passes(lane) {
      let wanted = target.filter.passesAll ? records : records.filter { target.filter.passes(lane, $0) }
      if !wanted.isEmpty { try seal(wanted, target.era, lane, rawFrom: rawFrom) }
    }
  }

  func seal(_ records: [[UInt8]], _ era: Era, _ lane: Lane, rawFrom: Int64?) throws {
    var seq = try nextSeq(era, lane)
    var left = records[...]
    while !left.isEmpty {
      let packed = try packer.pack(left, era, lane, from: seq)
      try insert(
        era, lane, first: packed.first, last: packed.last, records: Int(packed.last - packed.first + 1), reason: nil,
        rawFrom: rawFrom, encoding: packer.encoding, body: packed.body)
      left = left.dropFirst(Int(packed.last - packed.first + 1))
      seq = packed.last + 1
    }
    try database.statement(
      """
      INSERT INTO outbox_numbering(era, stream, lane, next) VALUES(?1, '', ?2, ?3)
      ON CONFLICT(era, stream, lane) DO UPDATE SET next=excluded.next
      """
    ).bind(1, era.id).bind(2, lane.code).bind(3, seq).run()
  }

  /// One batch of one record that stands for the records `first` to `last`, which are no more.
  func insertAccounting(_ era: Era, _ lane: Lane, first: Int64, last: Int64, reason: String) throws {
    var json = JSONWriter()
    json.object { json in
      json.field("seq", first)
      json.field("through", last)
      json.field("type", "dropped")
      json.field("reason", reason)
    }
    let body = BatchBody.make(era, lane, first: first, last: last, lines: [json.bytes])
    try insert(
      era, lane, first: first, last: last, records: 1, reason: reason, rawFrom: nil, encoding: packer.encoding,
      body: Codec.compress(body, packer.encoding))
  }

  func insert(
    _ era: Era, _ lane: Lane, first: Int64, last: Int64, records: Int, reason: String?, rawFrom: Int64?,
    encoding: UplinkDefinition.Compression, body: [UInt8]
  ) throws {
    let statement = try database.statement(
      """
      INSERT INTO outbox_batch(era, lane, first, last, records, reason, raw_from, encoding, body)
      VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
      """
    ).bind(1, era.id).bind(2, lane.code).bind(3, first).bind(4, last).bind(5, records).bind(6, reason)
      .bind(8, encoding.rawValue).bind(9, body)
    if let rawFrom { statement.bind(7, rawFrom) }
    try statement.run()
  }

  func delete(_ id: Int64) throws {
    try database.statement("DELETE FROM outbox_batch WHERE id=?1").bind(1, id).run()
  }

  /// The number that the lane's next record gets.
  func nextSeq(_ era: Era, _ lane: Lane) throws -> Int64 {
    let statement = try database.statement("SELECT next FROM outbox_numbering WHERE era=?1 AND stream='' AND lane=?2")
    defer { statement.reset() }
    return try statement.bind(1, era.id).bind(2, lane.code).step() ? statement.integer(0) : 1
  }

  func derivedBefore() throws -> Int64? {
    let statement = try database.statement("SELECT raw_before FROM outbox_journal WHERE epoch=?1")
    defer { statement.reset() }
    guard try statement.bind(1, era.epoch).step(), !statement.isNull(0) else { return nil }
    return statement.integer(0)
  }

  func deliveredBefore() throws -> Int64? {
    guard var before = try derivedBefore() else { return nil }
    for era in eras where era.epoch == self.era.epoch {
      for lane in Lane.allCases {
        for destination in subscribers(era) where destination.isRequired {
          let oldest = try database.statement(
            """
            SELECT raw_from FROM outbox_batch
            WHERE stream='' AND era=?1 AND lane=?2 AND first>?3 AND reason IS NULL ORDER BY first LIMIT 1
            """
          ).bind(1, era.id).bind(2, lane.code).bind(3, try position(destination.id, era, lane).delivered)
          defer { oldest.reset() }
          guard try oldest.step() else { continue }
          if oldest.isNull(0) {
            // Of an older generation, what it came from is unknown, but that generation's raw is derived again.
            if era.generation == self.era.generation { return nil }
          } else {
            before = min(before, oldest.integer(0))
          }
        }
      }
    }
    return before
  }
}
