import CSQLite

/// One connection to one SQLite file. Not thread-safe: one owner, on a thread that may block.
public final class Database {
  public enum Mode: Sendable {
    /// The file's one writer: creates it, WAL, synchronous=FULL, checkpoints by itself.
    case writer
    /// Reads only, never checkpoints, so that no second process can meet SQLite's WAL-reset fault
    /// (present from 3.7.0 to 3.51.2 where two connections write or checkpoint at once).
    case reader
  }

  public let path: String
  private let handle: OpaquePointer
  private var statements: [String: Statement] = [:]

  /// - Parameter synchronous: FULL everywhere but in the negative controls of our own fault tests.
  public init(path: String, mode: Mode, synchronous: String = "FULL", pageSize: Int = 4096) throws(DatabaseError) {
    self.path = path
    var opened: OpaquePointer?
    let flags =
      switch mode {
      case .writer: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      case .reader: SQLITE_OPEN_READONLY
      }
    let code = sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
    guard code == SQLITE_OK, let opened else {
      let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
      sqlite3_close_v2(opened)
      throw DatabaseError(code: code, operation: "opening", path: path, message: message)
    }
    handle = opened
    sqlite3_busy_timeout(handle, mode == .reader ? 5000 : 1000)
    // A checkpoint at close would need the directory to be writable at a moment that can't be reported; and a
    // reader must never be the one that checkpoints.
    if mode == .reader { _ = lumbung_sqlite3_db_config_int(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1) }
    _ = lumbung_sqlite3_db_config_int(handle, SQLITE_DBCONFIG_DEFENSIVE, 1)
    switch mode {
    case .writer:
      try execute("PRAGMA page_size=\(pageSize)")
      try execute("PRAGMA journal_mode=WAL")
      try execute("PRAGMA synchronous=\(synchronous)")
      // The WAL keeps its size: when the disk is full, commits into an allocated WAL go on.
      try execute("PRAGMA journal_size_limit=-1")
      try execute("PRAGMA foreign_keys=ON")
    case .reader:
      try execute("PRAGMA query_only=ON")
      try execute("PRAGMA wal_autocheckpoint=0")
    }
    try execute("PRAGMA mmap_size=0")
    try execute("PRAGMA temp_store=MEMORY")
  }

  deinit {
    for statement in statements.values { statement.finalize() }
    sqlite3_close_v2(handle)
  }

  /// Runs statements that take nothing and return nothing.
  public func execute(_ sql: String) throws(DatabaseError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw error(code, sql) }
  }

  /// A prepared statement, kept for the life of the connection. Reset before it is handed out.
  public func statement(_ sql: String) throws(DatabaseError) -> Statement {
    if let kept = statements[sql] {
      kept.reset()
      return kept
    }
    var prepared: OpaquePointer?
    let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
    guard code == SQLITE_OK, let prepared else { throw error(code, sql) }
    let made = Statement(handle: prepared, database: self, sql: sql)
    statements[sql] = made
    return made
  }

  /// Runs `body` in one transaction; committed where it returns, rolled back where it throws.
  public func transaction<T>(_ body: () throws -> T) throws -> T {
    try execute("BEGIN IMMEDIATE")
    do {
      let result = try body()
      try execute("COMMIT")
      return result
    } catch {
      // Some errors (full, I/O) have rolled back already.
      if sqlite3_get_autocommit(handle) == 0 { try? execute("ROLLBACK") }
      throw error
    }
  }

  /// A consistent view for a reader: `body` sees one state of the file.
  public func snapshot<T>(_ body: () throws -> T) throws -> T {
    try execute("BEGIN")
    defer { try? execute("ROLLBACK") }
    return try body()
  }

  public func integer(_ sql: String) throws(DatabaseError) -> Int64 {
    let statement = try statement(sql)
    defer { statement.reset() }
    guard try statement.step() else { return 0 }
    return statement.integer(0)
  }

  public func text(_ sql: String) throws(DatabaseError) -> String? {
    let statement = try statement(sql)
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    return statement.optionalText(0)
  }

  public var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }
  public var changes: Int { Int(sqlite3_changes(handle)) }

  /// Bytes in use: pages that hold something, the freelist excluded.
  public func bytesInUse() throws(DatabaseError) -> Int64 {
    try (integer("PRAGMA page_count") - integer("PRAGMA freelist_count")) * integer("PRAGMA page_size")
  }

  /// Moves what it can from the WAL into the file without waiting for anyone. Only for a writer.
  public func checkpoint() throws(DatabaseError) {
    let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
    guard code == SQLITE_OK || code == SQLITE_BUSY else { throw error(code, "checkpoint") }
  }

  func error(_ code: Int32, _ operation: String) -> DatabaseError {
    DatabaseError(
      code: code, operation: String(operation.prefix(80)), path: path, message: String(cString: sqlite3_errmsg(handle)))
  }
}
