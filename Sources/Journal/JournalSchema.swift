import SQLite
import Telemetry

/// The file's tables.
enum JournalSchema {
  /// "Lumb", so that `file` and our own check know the file.
  static let applicationID: Int64 = 0x4c75_6d62
  static var version: Int64 { chain.newest }
  /// A step for each version since the first; see `SchemaChain`.
  static var chain: SchemaChain { SchemaChain(oldest: 1) }
  /// In bytes. A commit writes whole pages, twice: to the log, and later to the file. With small pages less of what
  /// it writes is other than its own: measured with 136-byte reports, ten a commit, deleted 64 segments at once, 987
  /// bytes to disk per message against 1131 with 4096; a hundred a commit, 110 against 251.
  static let pageSize = 1024

  /// Largest id that is ever given; one above it can only come from damage. 2^62 commits don't fit into time.
  static let maximumID: Int64 = 1 << 62

  /// `number` counts the messages before this segment since the file began, so that the difference of two rows tells
  /// how many lie between. `step` names the segments whose wall clock is before their predecessor's: between two of
  /// them the wall clock only goes forward, and can be searched by halving. An index would cost a page more for
  /// every commit.
  private static let tables = [
    """
    CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID
    """,
    """
    CREATE TABLE segment(
      id INTEGER PRIMARY KEY, number INTEGER NOT NULL, wall INTEGER NOT NULL, synchronised INTEGER NOT NULL,
      count INTEGER NOT NULL, content BLOB NOT NULL)
    """,
    "CREATE TABLE step(id INTEGER PRIMARY KEY)",
  ]

  /// All of it in one transaction: a file has either nothing or everything.
  /// - Parameters:
  ///   - floor: Ids that are given from now on are higher.
  ///   - finished: false leaves the file without its mark, for a salvage that is not done yet.
  static func create(in database: Database, uuid: String, floor: Int64, finished: Bool = true) throws {
    try database.transaction {
      for table in tables { try database.execute(table) }
      let insert = try database.statement("INSERT INTO meta VALUES (?, ?)")
      try insert.bind(1, "uuid").bind(2, uuid).run()
      try insert.bind(1, "schema").bind(2, version).run()
      try insert.bind(1, "floor").bind(2, floor).run()
      if finished { try mark(database) }
    }
  }

  /// Whether the tables are described as they were made: SQLite goes by the description, and a flipped bit in it makes
  /// another column of one.
  static func isAsMade(_ database: Database) throws -> Bool {
    let row = try database.statement("SELECT sql FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")
    defer { row.reset() }
    var described: [String] = []
    while try row.step() { described.append(row.text(0)) }
    return described == tables
  }

  static func mark(_ database: Database) throws {
    try database.execute("PRAGMA application_id=\(applicationID)")
    try database.execute("PRAGMA user_version=\(version)")
  }

  /// Brings a file of an earlier version forward. The version stands in `meta` as well, as the header's witness.
  static func bring(_ database: Database) throws {
    try chain.bring(database) { database in
      try database.statement("UPDATE meta SET value = ? WHERE key = 'schema'").bind(1, version).run()
    }
  }

  static func isMarked(_ database: Database) throws -> Bool {
    try database.integer("PRAGMA application_id") == applicationID
  }

  static func uuid(in database: Database) throws -> String? {
    try database.text("SELECT value FROM meta WHERE key = 'uuid'")
  }

  static func floor(in database: Database) throws -> Int64 {
    try database.integer("SELECT value FROM meta WHERE key = 'floor'")
  }

  static func setFloor(_ floor: Int64, in database: Database) throws {
    try database.statement("UPDATE meta SET value = ? WHERE key = 'floor'").bind(1, floor).run()
  }

  /// The highest id that was deleted on purpose: what a salvage finds of older ones stays away. Written twice in one
  /// value, for a damaged one would keep everything away; 0 where it can't be told.
  static func trimmedID(in database: Database) throws -> Int64 {
    let parts = (try database.text("SELECT value FROM meta WHERE key = 'trimmed'") ?? "").split(separator: " ")
    guard parts.count == 2, parts[0] == parts[1] else { return 0 }
    return Int64(parts[0]) ?? 0
  }

  static func setTrimmedID(_ id: Int64, in database: Database) throws {
    try database.statement("INSERT OR REPLACE INTO meta VALUES ('trimmed', ?)").bind(1, "\(id) \(id)").run()
  }

  /// Where there is no segment: the highest id that may have been given.
  static func newestID(in database: Database) throws -> Int64 {
    let newest = try database.integer("SELECT max(id) FROM segment")
    return newest > 0 ? newest : try floor(in: database)
  }

  /// Where there is no segment: one more than the newest id, so that the two always tell how many may lie between.
  static func oldestID(in database: Database) throws -> Int64 {
    let oldest = try database.integer("SELECT id FROM segment WHERE id > 0 ORDER BY id LIMIT 1")
    return oldest > 0 ? oldest : try newestID(in: database) &+ 1
  }
}
