import SQLite
import Telemetry

extension Store {
  /// Puts what other destinations still wait for into a new numbering, so far as its filter lets it pass. Where there is
  /// no room for it, the numbering begins with what is sealed from now on.
  func fill(_ target: Target) throws {
    let isPresent = { (era: Era) in
      era != target.era && era.epoch == target.era.epoch && era.gateway == target.era.gateway
        && era.generation == target.era.generation
    }
    // The one that everybody shares has everything; where nobody uses it, the one with the widest filter is not known,
    // and the first has to do.
    guard
      let source = eras.first(where: { isPresent($0) && $0.stream.isEmpty && (try? holdsBatches($0)) == true })
        ?? eras.first(where: isPresent)
    else { return }
    do {
      try database.transaction {
        for lane in Lane.allCases where lane != .backfill && target.filter.passes(lane) {
          try copy(lane, from: source, to: target)
        }
      }
    } catch let error as DatabaseError where error.kind == .full {
      note(error)
    }
  }

  private func holdsBatches(_ era: Era) throws -> Bool {
    let statement = try database.statement("SELECT 1 FROM outbox_batch WHERE era=?1 LIMIT 1")
    defer { statement.reset() }
    return try statement.bind(1, era.id).step()
  }

  private func copy(_ lane: Lane, from source: Era, to target: Target) throws {
    var after: Int64 = 0
    while true {
      let row = try database.statement(
        """
        SELECT last, encoding, body, raw_from FROM outbox_batch
        WHERE stream='' AND era=?1 AND lane=?2 AND first>?3 AND reason IS NULL ORDER BY first LIMIT 1
        """
      ).bind(1, source.id).bind(2, lane.code).bind(3, after)
      defer { row.reset() }
      guard try row.step() else { return }
      after = row.integer(0)
      let rawFrom = row.isNull(3) ? nil : row.integer(3)
      guard let encoding = UplinkDefinition.Compression(rawValue: row.text(1)),
        let lines = (try? Codec.expand(row.blob(2), encoding)).flatMap(BatchBody.records)
      else { continue }
      let records = lines.compactMap(BatchBody.unnumbered).filter { target.filter.passes(lane, $0) }
      if !records.isEmpty { try seal(records, target.era, lane, rawFrom: rawFrom) }
    }
  }

  /// The numbering of what this destination alone has asked for; `nil` until it was begun.
  func backfillEra(_ destination: String) throws -> Era? {
    try self.destination(destination).eras.first {
      $0.stream == Store.backfillStream(destination) && $0.epoch == era.epoch && $0.generation == era.generation
        && $0.gateway == era.gateway
    }
  }

  private static func backfillStream(_ destination: String) -> String { "backfill-" + destination }

  /// Begins that numbering, in a commit of its own: what is known here must not be rolled back there.
  func beginBackfill(_ destination: String) throws {
    guard try backfillEra(destination) == nil else { return }
    let id = try self.destination(destination).id
    let stream = Store.backfillStream(destination)
    var made = Era(id: 0, gateway: era.gateway, epoch: era.epoch, generation: era.generation, stream: stream)
    try database.transaction {
      try database.statement("INSERT OR IGNORE INTO outbox_stream(name, filter) VALUES(?1, 'send=backfill')")
        .bind(1, stream).run()
      try database.statement("INSERT OR IGNORE INTO outbox_subscription(destination, stream) VALUES(?1, ?2)")
        .bind(1, id).bind(2, stream).run()
      made.id = try Opening.add(made, to: database)
    }
    add(made, to: destination)
  }
}
