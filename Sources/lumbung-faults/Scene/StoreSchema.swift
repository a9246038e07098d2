import SQLite

/// What an outbox says of its tables.
struct StoreSchema: Sendable, Equatable {
  let version: Int64
  /// How each was made, by its name.
  let tables: [String: String]

  init(_ folder: String) throws {
    let database = try Database(path: folder + "/outbox.db", mode: .reader)
    version = try database.integer("PRAGMA user_version")
    let row = try database.statement("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    defer { row.reset() }
    var tables: [String: String] = [:]
    while try row.step() { tables[row.text(0)] = row.text(1) }
    self.tables = tables
  }

  /// The negative control: a step of the migration, in a transaction of its own.
  static func halveMigration(_ folder: String) throws {
    let database = try Database(path: folder + "/outbox.db", mode: .writer)
    try database.execute("CREATE TABLE outbox_half(number INTEGER)")
    // Else the true one would not come to its end.
    try database.execute("DROP TABLE outbox_half")
  }
}
