import SQLite
import Telemetry

/// A record that a destination refused for good, kept for someone to look at.
public struct DeadLetter: Sendable, Equatable {
  /// Names it, for whoever wants it sent again or forgotten.
  public let id: Int64
  public let destination: String
  public let lane: Lane
  /// The numbers that it covers; the same but for an accounting record or a batch that can't be read.
  public let first: Int64
  public let last: Int64
  /// By the box's clock, trusted or not.
  public let time: Timestamp
  public let reason: String
  /// The record's JSON; the batch's raw bytes where it can't be read.
  public let record: [UInt8]

  /// It was asked for again, and waits to be sent.
  public let isRetrying: Bool

  /// Kept at most; beyond it the oldest go. A receiver that refuses everything is noticed after ten.
  static let limit = 10_000
}

extension DeadLetter {
  /// Of a row of `destination, lane, first, last, time, reason, record, id, retrying`.
  init?(row: Statement) {
    guard let lane = Lane(code: row.integer(1)) else { return nil }
    self.init(
      id: row.integer(7), destination: row.text(0), lane: lane, first: row.integer(2), last: row.integer(3),
      time: Timestamp(milliseconds: row.integer(4)), reason: row.text(5), record: row.blob(6),
      isRetrying: row.integer(8) != 0)
  }
}

extension DeadLetter {
  /// Reads them out of an outbox that another process may have open; never writes. The newest first.
  public static func read(outboxPath: String, limit: Int) throws -> [DeadLetter] {
    try read(Database(path: outboxPath, mode: .reader), limit: limit)
  }

  static func read(_ database: Database, limit: Int) throws -> [DeadLetter] {
    let statement = try database.statement(
      """
      SELECT destination, lane, first, last, time, reason, record, id, retrying FROM outbox_dead_letter
      ORDER BY id DESC LIMIT ?1
      """
    ).bind(1, limit)
    defer { statement.reset() }
    var letters: [DeadLetter] = []
    while try statement.step() { DeadLetter(row: statement).map { letters.append($0) } }
    return letters
  }
}
