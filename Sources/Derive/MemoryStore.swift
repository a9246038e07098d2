import Decoding
import SQLite

/// The table `derive_memory`: what messages said that others can't be decoded without (`Remembered`), written in the
/// transactions that say how far the journal is derived. So a message that is read again is read with what was known
/// when it came, though the message that said it is deleted since.
enum MemoryStore {
  static let schema = """
    CREATE TABLE IF NOT EXISTS derive_memory(
      scope TEXT NOT NULL, key TEXT NOT NULL, sequence INTEGER NOT NULL, starts INTEGER NOT NULL,
      replaces INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY(scope, key, sequence)) WITHOUT ROWID
    """

  static func save(_ remembered: Remembered, _ database: Database) throws(DatabaseError) {
    try database.statement("INSERT OR IGNORE INTO derive_memory VALUES(?, ?, ?, ?, ?, ?)")
      .bind(1, remembered.scope).bind(2, remembered.key).bind(3, remembered.sequence)
      .bind(4, remembered.startsScope ? 1 : 0).bind(5, remembered.replacesKey ? 1 : 0).bind(6, remembered.content).run()
  }

  /// No message before this one will be read again: what was known only then goes.
  static func forget(before sequence: Int64, _ database: Database) throws(DatabaseError) {
    try database.statement(
      """
      DELETE FROM derive_memory AS old WHERE replaces = 1 AND EXISTS(
        SELECT 1 FROM derive_memory AS new WHERE new.scope = old.scope AND new.sequence > old.sequence
          AND new.sequence < ? AND (new.starts = 1 OR new.key = old.key))
      """
    ).bind(1, sequence).run()
  }

  static func load(_ database: Database) throws(DatabaseError) -> [Remembered] {
    let row = try database.statement(
      "SELECT scope, key, sequence, starts, replaces, content FROM derive_memory ORDER BY sequence")
    defer { row.reset() }
    var remembered: [Remembered] = []
    while try row.step() {
      remembered.append(
        Remembered(
          scope: row.text(0), key: row.text(1), sequence: row.integer(2), startsScope: row.integer(3) != 0,
          replacesKey: row.integer(4) != 0, content: row.blob(5)))
    }
    return remembered
  }
}
