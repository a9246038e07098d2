import SQLite
import Telemetry

extension Outbox {
  /// Raw messages that a destination asked for.
  public struct RawRequest: Sendable, Equatable {
    let id: Int64
    public let destination: String
    /// The asker's own name for it.
    public let name: String
    /// A pattern with `*` and `?`.
    public let device: String
    public let since: Timestamp
    public let until: Timestamp
    /// Up to this one the journal was read for it.
    public let segment: Int64
  }

  /// Requests of one destination that wait, at most; what is asked beyond is not taken.
  public static let mostRequests = 100
  /// Requests that are remembered once they are done, so that a repeated one isn't served again.
  private static let remembered = 1000

  /// Notes a request; false where it was known, or too many wait.
  public func note(request name: String, device: String, since: Timestamp, until: Timestamp, for destination: String)
    throws
    -> Bool
  {
    try withStore { store in
      let active = try store.destination(destination)
      let waiting = try store.database.statement("SELECT count(*) FROM outbox_request WHERE destination=?1 AND done=0")
      defer { waiting.reset() }
      guard try waiting.bind(1, active.id).step(), waiting.integer(0) < Int64(Outbox.mostRequests) else { return false }
      return try store.database.transaction {
        try store.database.statement(
          """
          INSERT OR IGNORE INTO outbox_request(destination, name, device, since, until) VALUES(?1, ?2, ?3, ?4, ?5)
          """
        ).bind(1, active.id).bind(2, name).bind(3, device).bind(4, since.nanoseconds).bind(5, until.nanoseconds).run()
        let isNew = store.database.changes > 0
        try store.database.statement(
          """
          DELETE FROM outbox_request WHERE done=1 AND id <= (SELECT max(id) FROM outbox_request) - ?1
          """
        ).bind(1, Outbox.remembered).run()
        return isNew
      }
    }
  }

  /// The oldest request that isn't served yet, of a destination that is configured.
  public func nextRequest() throws -> RawRequest? {
    try withStore { store in
      for destination in store.destinations {
        let row = try store.database.statement(
          """
          SELECT id, name, device, since, until, segment FROM outbox_request
          WHERE destination=?1 AND done=0 ORDER BY id LIMIT 1
          """
        ).bind(1, destination.id)
        defer { row.reset() }
        guard try row.step() else { continue }
        return RawRequest(
          id: row.integer(0), destination: destination.name, name: row.text(1), device: row.text(2),
          since: Timestamp(nanoseconds: row.integer(3)), until: Timestamp(nanoseconds: row.integer(4)),
          segment: row.integer(5))
      }
      return nil
    }
  }

  /// Seals a part of what was asked for, and notes how far the journal was read for it, in one commit.
  public func serve(_ request: RawRequest, _ records: [[UInt8]], through segment: Int64, isDone: Bool) throws {
    if !records.isEmpty { try beginBackfill(for: request.destination) }
    try transaction { transaction in
      for record in records { transaction.appendBackfill(record, for: request.destination) }
      try transaction.database.statement("UPDATE outbox_request SET segment=?2, done=?3 WHERE id=?1")
        .bind(1, request.id).bind(2, segment).bind(3, isDone ? 1 : 0).run()
    }
  }
}
