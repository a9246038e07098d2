import CSQLite

/// A prepared statement of one connection. Parameters count from 1, columns from 0, as in SQLite.
public final class Statement {
  private let handle: OpaquePointer
  private unowned let database: Database
  private let sql: String
  /// The first parameter that SQLite refused (too large, out of range, out of memory). Told by the next step:
  /// otherwise NULL would be stored in its place.
  private var refusedBinding: Int32 = SQLITE_OK

  init(handle: OpaquePointer, database: Database, sql: String) {
    self.handle = handle
    self.database = database
    self.sql = sql
  }

  func finalize() { sqlite3_finalize(handle) }

  /// Ends the statement's reading and forgets what was bound.
  public func reset() {
    sqlite3_reset(handle)
    sqlite3_clear_bindings(handle)
    refusedBinding = SQLITE_OK
  }

  private func note(_ code: Int32) {
    if refusedBinding == SQLITE_OK { refusedBinding = code }
  }

  @discardableResult
  public func bind(_ index: Int32, _ value: Int64) -> Self {
    note(sqlite3_bind_int64(handle, index, value))
    return self
  }

  @discardableResult
  public func bind(_ index: Int32, _ value: Int) -> Self { bind(index, Int64(value)) }

  @discardableResult
  public func bind(_ index: Int32, _ value: Double) -> Self {
    note(sqlite3_bind_double(handle, index, value))
    return self
  }

  @discardableResult
  public func bind(_ index: Int32, _ value: String?) -> Self {
    guard var value else {
      note(sqlite3_bind_null(handle, index))
      return self
    }
    value.withUTF8 { utf8 in
      utf8.withMemoryRebound(to: CChar.self) { characters in
        // An empty buffer may have no address, which SQLite would take for NULL.
        let length = Int32(clamping: characters.count)
        note(
          characters.baseAddress.map { lumbung_sqlite3_bind_text(handle, index, $0, length) }
            ?? lumbung_sqlite3_bind_text(handle, index, "", 0))
      }
    }
    return self
  }

  /// Copies the bytes.
  @discardableResult
  public func bind(_ index: Int32, _ value: [UInt8]) -> Self {
    if value.isEmpty {
      note(sqlite3_bind_zeroblob(handle, index, 0))
    } else {
      value.withUnsafeBytes { bytes in
        note(
          sqlite3_bind_blob64(
            handle, index, bytes.baseAddress, UInt64(bytes.count), unsafeBitCast(-1, to: sqlite3_destructor_type.self)))
      }
    }
    return self
  }

  /// Runs the statement with a blob that is not copied: it must stay in place for the call.
  public func run(blob index: Int32, _ bytes: UnsafeRawBufferPointer) throws(DatabaseError) {
    note(lumbung_sqlite3_bind_blob_static(handle, index, bytes.baseAddress, Int32(clamping: bytes.count)))
    try run()
  }

  /// One step; true where there is a row to read.
  public func step() throws(DatabaseError) -> Bool {
    guard refusedBinding == SQLITE_OK else {
      let error = database.error(refusedBinding, sql)
      reset()
      throw error
    }
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code:
      let error = database.error(code, sql)
      sqlite3_reset(handle)
      throw error
    }
  }

  /// For statements that return no rows.
  public func run() throws(DatabaseError) {
    defer { reset() }
    while try step() {}
  }

  public func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
  public func double(_ column: Int32) -> Double { sqlite3_column_double(handle, column) }
  public func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  public func optionalText(_ column: Int32) -> String? {
    guard let text = sqlite3_column_text(handle, column) else { return nil }
    return String(
      decoding: UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(handle, column))), as: UTF8.self)
  }

  public func text(_ column: Int32) -> String { optionalText(column) ?? "" }

  /// The column's bytes, valid within `body` only.
  public func withBlob<T>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
    let bytes = sqlite3_column_blob(handle, column)
    return try body(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, column))))
  }

  public func blob(_ column: Int32) -> [UInt8] { withBlob(column) { Array($0) } }
}
