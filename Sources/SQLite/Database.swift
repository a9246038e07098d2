import CPageChecks
import CSQLite
import Glibc

/// One connection to one SQLite file. Not thread-safe: one owner, on a thread that may block.
public final class Database {
  public enum Mode: Sendable {
    /// The file's one writer: creates it, WAL, synchronous=FULL, checkpoints after its transactions.
    case writer
    /// Reads only, never checkpoints, so that no second process can meet SQLite's WAL-reset fault
    /// (present from 3.7.0 to 3.51.2 where two connections write or checkpoint at once).
    case reader
  }

  public let path: String
  private let handle: OpaquePointer
  private var statements: [String: Statement] = [:]
  /// Pages in the WAL after the last commit, told by SQLite's hook; at a fixed address, since C writes to it.
  private let walPages: UnsafeMutablePointer<Int32>
  private let checkpointPages: Int
  /// Called before each checkpoint; for fault tests, which end the process there.
  public var willCheckpoint: (() -> Void)?
  /// Called where a damaged page was met, on the thread that met it.
  public var metDamage: (() -> Void)?
  /// Why the last checkpoint of this connection failed. Pages may have been lost on their way into the file although
  /// the WAL has them still: only a new connection, which starts from the WAL again, may go on.
  private var failedCheckpoint: DatabaseError?
  /// What is to be allocated for the WAL and isn't yet.
  private var logRoomWanted: Int = 0

  /// - Parameters:
  ///   - synchronous: FULL everywhere but in the negative controls of our own fault tests.
  ///   - pageSize: In bytes; only for a file that is made now.
  ///   - checkpointPages: Once the WAL holds so many pages, the transaction that brought it there moves them into
  ///     the file. More means that a page written often reaches the file seldom, and a WAL that is larger.
  ///   - checksPages: A file that is made now, or written anew by VACUUM, gets a checksum on every page. One that has
  ///     them is checked by everyone who opens it: a page that reads back otherwise is damage.
  public init(
    path: String, mode: Mode, synchronous: String = "FULL", pageSize: Int = 4096, checkpointPages: Int = 1000,
    checksPages: Bool = false
  ) throws(DatabaseError) {
    self.path = path
    self.checkpointPages = checkpointPages
    walPages = .allocate(capacity: 1)
    walPages.initialize(to: 0)
    var opened: OpaquePointer?
    let flags =
      switch mode {
      case .writer: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      case .reader: SQLITE_OPEN_READONLY
      }
    var code = lumbung_page_checks_register()
    if code == SQLITE_OK {
      code = sqlite3_open_v2(
        path, &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, LUMBUNG_PAGE_CHECKS)
    }
    guard code == SQLITE_OK, let opened else {
      let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
      sqlite3_close_v2(opened)
      walPages.deallocate()
      throw DatabaseError(code: code, operation: "opening", path: path, message: message)
    }
    handle = opened
    sqlite3_busy_timeout(handle, mode == .reader ? 5000 : 1000)
    // A checkpoint at close would need the directory to be writable at a moment that can't be reported; and a
    // reader must never be the one that checkpoints. Nor a writer that fails to open: what is damaged needs its log.
    _ = lumbung_sqlite3_db_config_int(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    keepWALAtClose()
    _ = lumbung_sqlite3_db_config_int(handle, SQLITE_DBCONFIG_DEFENSIVE, 1)
    // Files are hostile too: what a schema says is not trusted, and pages are looked through before they are used.
    try execute("PRAGMA trusted_schema=OFF")
    try execute("PRAGMA cell_size_check=ON")
    switch mode {
    case .writer:
      try execute("PRAGMA page_size=\(pageSize)")
      // Afterwards: that pragma forgets it where the file is there already, and VACUUM would write it without.
      if checksPages { reserveChecksums() }
      let journal = try text("PRAGMA journal_mode=WAL")
      guard journal == "wal" || path == ":memory:" else {
        throw DatabaseError(
          code: SQLITE_CANTOPEN, operation: "switching to a write-ahead log", path: path,
          message: "SQLite stays with \(journal ?? "nothing"); the file system may lack shared memory maps")
      }
      try execute("PRAGMA synchronous=\(synchronous)")
      // The WAL keeps its size: when the disk is full, commits into an allocated WAL go on. But not what it has grown to
      // while a reader kept it from beginning anew: it counts towards the quota, which would then never open again.
      try execute("PRAGMA journal_size_limit=\(checkpointPages * 5 / 4 * (pageSize + Database.frameHeader))")
      // Debian's library overwrites deleted rows with zeros unless told otherwise: each byte would wear out the
      // flash once more.
      try execute("PRAGMA secure_delete=OFF")
      watchWAL()
      try execute("PRAGMA foreign_keys=ON")
    case .reader:
      try execute("PRAGMA query_only=ON")
      try execute("PRAGMA wal_autocheckpoint=0")
    }
    try execute("PRAGMA mmap_size=0")
    // A quarter of what it would be by itself: there are half a dozen connections, most read or write forward, and the
    // system's own cache stands behind. What a large transaction changes beyond it goes to the log early.
    try execute("PRAGMA cache_size=-512")
    try execute("PRAGMA temp_store=MEMORY")
    if mode == .writer { _ = lumbung_sqlite3_db_config_int(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0) }
  }

  deinit {
    for statement in statements.values { statement.finalize() }
    // With a limit, closing would cut the WAL to nothing, and its room on a full disk would be lost with it.
    sqlite3_exec(handle, "PRAGMA journal_size_limit=-1", nil, nil, nil)
    sqlite3_close_v2(handle)
    walPages.deallocate()
  }

  /// What the WAL has beside each page, in bytes.
  private static let frameHeader = 24

  /// The WAL stays beside the file when the last connection closes, so that it need not grow again when the disk is
  /// full, and so that a reader without the right to create it can still open the file.
  private func keepWALAtClose() {
    var on: Int32 = 1
    _ = sqlite3_file_control(handle, "main", SQLITE_FCNTL_PERSIST_WAL, &on)
  }

  /// Takes effect where the file is made, or written anew by VACUUM.
  private func reserveChecksums() {
    var bytes = Int32(lumbung_page_checks_reserve)
    _ = sqlite3_file_control(handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes)
  }

  /// Whether each page of the file bears a checksum. Only for a reader: a writer's wish is taken for it.
  public func bearsPageChecksums() throws(DatabaseError) -> Bool {
    // As the log has it, where the file's own header is older: known once the first page was read.
    _ = try integer("PRAGMA user_version")
    var bytes: Int32 = -1
    guard sqlite3_file_control(handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes) == SQLITE_OK else { return false }
    return bytes == lumbung_page_checks_reserve
  }

  /// Only for the negative control of fault tests: pages are taken for what they say, in this process.
  public static func believePages() { lumbung_page_checks_believe(true) }

  /// SQLite's own automatic checkpoint swallows its errors, failed syncs included; this replaces it.
  private func watchWAL() {
    sqlite3_wal_hook(
      handle,
      { context, _, _, pages in
        context?.assumingMemoryBound(to: Int32.self).pointee = pages
        return SQLITE_OK
      }, walPages)
  }

  /// Runs statements that take nothing and return nothing.
  public func execute(_ sql: String) throws(DatabaseError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw error(code, sql) }
  }

  /// The same for what is run again and again: it is prepared once.
  private func run(_ sql: String) throws(DatabaseError) { try statement(sql).run() }

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
  ///
  /// A checkpoint may follow the commit. Where that one fails for another reason than a full disk, the commit stands
  /// and is reported as such; the connection's next transaction throws, and only a new connection helps.
  public func transaction<T>(_ body: () throws -> T) throws -> T {
    if let failedCheckpoint { throw failedCheckpoint }
    try run("BEGIN IMMEDIATE")
    do {
      let result = try body()
      try run("COMMIT")
      checkpointIfDue()
      return result
    } catch {
      // Some errors (full, I/O) have rolled back already.
      if sqlite3_get_autocommit(handle) == 0 { try? run("ROLLBACK") }
      throw error
    }
  }

  /// A consistent view for a reader: `body` sees one state of the file.
  public func snapshot<T>(_ body: () throws -> T) throws -> T {
    try run("BEGIN")
    defer { try? run("ROLLBACK") }
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

  /// Bytes of pages that hold nothing: what is written goes there before the file grows.
  public func freeBytes() throws(DatabaseError) -> Int64 {
    try integer("PRAGMA freelist_count") * integer("PRAGMA page_size")
  }

  /// Allocates disk for the WAL beyond its end, so that commits go on for a while on a disk that others have filled. The
  /// file's length stays: SQLite reads a WAL up to its last valid frame.
  ///
  /// Where the disk or the file system has none to give, it is asked again after each checkpoint. Once the file is
  /// there, which the first transaction sees to; only for a writer.
  ///
  /// - Parameter bytes: of the whole WAL. The pages between two checkpoints, and what a full disk keeps from being moved.
  public func keepLogRoom(_ bytes: Int) {
    logRoomWanted = bytes
    let descriptor = open(path + "-wal", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    if fallocate(descriptor, keepingSize, 0, bytes) == 0 { logRoomWanted = 0 }
  }

  /// Moves what it can from the WAL into the file without waiting for anyone. Only for a writer.
  public func checkpoint() throws(DatabaseError) {
    willCheckpoint?()
    let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
    guard code == SQLITE_OK || code & 0xff == SQLITE_BUSY else { throw error(code, "checkpointing") }
    if logRoomWanted > 0 { keepLogRoom(logRoomWanted) }
  }

  /// After anything but an orderly stop: moves the log into the file, and begins it anew. Only for a writer. Readers
  /// that look at the log are waited for; where one keeps at it, the log goes on as it is.
  ///
  /// What an earlier process wrote to the log may be in the kernel's cache alone, if a sync of it failed. Moved into the
  /// file and synced it is there for good; but then the log on the disk lacks what the file has, and would put older
  /// pages before it after a power cut. So a commit follows: with it the log's header is written again, and synced, and
  /// nothing of what was in it counts any more. On a full disk it stays as it is: without room for that, there is none
  /// for commits.
  public func settle() throws {
    willCheckpoint?()
    do {
      let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_RESTART, nil, nil)
      guard code == SQLITE_OK else { throw error(code, "checkpointing") }
      let version = try integer("PRAGMA user_version")
      try transaction { try execute("PRAGMA user_version=\(version)") }
    } catch let error as DatabaseError where [.full, .busy].contains(error.kind) {
    }
  }

  /// Before the file is closed in order: moves all of the WAL into it and empties the WAL, so that nothing depends on
  /// the bytes of one that has done its work. Its room on the disk stays its own. Only for a writer.
  ///
  /// - Returns: false where a reader or an error has kept some of it: the WAL then stays as it is after a kill.
  public func emptyLog() -> Bool {
    guard failedCheckpoint == nil else { return false }
    willCheckpoint?()
    var log = stat()
    let room = stat(path + "-wal", &log) == 0 ? max(Int(log.st_size), Int(log.st_blocks) * 512) : 0
    let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
    if code == SQLITE_OK, room > 0 { keepLogRoom(room) }
    return code == SQLITE_OK
  }

  private func checkpointIfDue() {
    guard walPages.pointee >= checkpointPages else { return }
    do {
      try checkpoint()
    } catch  where error.kind == .full {
      // The WAL keeps what the file has no room for; the next commit tries again.
    } catch {
      failedCheckpoint = error
    }
  }

  /// Whether memory was what the last call lacked: a column's bytes are then missing without an error.
  public var lackedMemory: Bool { sqlite3_errcode(handle) & 0xff == SQLITE_NOMEM }

  func error(_ code: Int32, _ operation: String) -> DatabaseError {
    let error = DatabaseError(
      code: code, operation: String(operation.prefix(80)), path: path, message: String(cString: sqlite3_errmsg(handle)))
    if error.kind == .corrupt { metDamage?() }
    return error
  }
}

/// fallocate(2), which Swift's Glibc leaves out. The offsets are those of 64-bit Linux.
@_silgen_name("fallocate")
private func fallocate(_ descriptor: CInt, _ mode: CInt, _ offset: Int, _ length: Int) -> CInt

/// FALLOC_FL_KEEP_SIZE.
private let keepingSize: CInt = 1
