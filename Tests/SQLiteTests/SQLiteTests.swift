import Glibc
import Testing

@testable import SQLite

/// A database file that goes with its owner.
private final class TemporaryFile {
  let path: String

  init() {
    var template = Array("/tmp/lumbung-sqlite-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&template)) + "/test.db"
  }

  deinit {
    for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
    rmdir(String(path.dropLast("/test.db".count)))
  }
}

private struct Stop: Error {}

@Suite("SQLite")
struct SQLiteTests {
  private let file = TemporaryFile()

  private func writer() throws -> Database {
    let database = try Database(path: file.path, mode: .writer)
    try database.execute("CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b UNIQUE)")
    return database
  }

  @Test("an error says what was attempted, on which file, why, and what helps")
  func errors() throws {
    let error = #expect(throws: DatabaseError.self) { try Database(path: "/nowhere/at/all.db", mode: .writer) }
    #expect(error?.kind == .access)
    #expect(error?.description.contains("opening /nowhere/at/all.db") == true)
    #expect(error?.description.contains("folder must exist") == true)
    let database = try writer()
    let syntax = #expect(throws: DatabaseError.self) { try database.execute("SELEKT 1") }
    #expect(syntax?.kind == .other)
    #expect(syntax?.operation == "SELEKT 1")
    #expect(syntax?.path == file.path)
    #expect(syntax?.message.contains("syntax") == true)
  }

  @Test("kinds follow the primary code, whatever the extended one")
  func kinds() {
    func kind(_ code: Int32) -> DatabaseError.Kind {
      DatabaseError(code: code, operation: "", path: "", message: "").kind
    }
    #expect(kind(13) == .full)
    #expect(kind(1034) == .io)
    #expect(kind(4874) == .full)
    #expect(kind(267) == .corrupt && kind(26) == .corrupt)
    #expect(kind(5) == .busy && kind(517) == .busy)
    #expect(kind(2067) == .constraint)
    #expect(kind(1) == .other)
  }

  @Test("texts, blobs, numbers and NULL come back as they were bound, empty ones too")
  func binding() throws {
    let database = try writer()
    let echo = try database.statement("SELECT ?, ?, ?, ?, ?, ?, typeof(?2), typeof(?4), typeof(?6)")
    echo.bind(1, "naïve\0text").bind(2, "").bind(3, [UInt8]([0, 255])).bind(4, [UInt8]()).bind(5, -2.5)
      .bind(6, String?.none)
    #expect(try echo.step())
    #expect(echo.text(0) == "naïve\0text")
    #expect(echo.text(1) == "" && echo.text(6) == "text")
    #expect(echo.blob(2) == [0, 255])
    #expect(echo.blob(3) == [] && echo.text(7) == "blob")
    #expect(echo.double(4) == -2.5)
    #expect(echo.isNull(5) && echo.optionalText(5) == nil && echo.text(8) == "null")
    echo.reset()
    #expect(try echo.step())
    #expect(echo.isNull(0), "what was bound is forgotten")
  }

  @Test("a blob that stays in place is stored as it is, an empty one as empty")
  func staticBlob() throws {
    let database = try writer()
    try [UInt8]([1, 2, 3]).withUnsafeBytes {
      try database.statement("INSERT INTO t VALUES (1, ?)").run(blob: 1, $0)
    }
    try database.statement("INSERT INTO t VALUES (2, ?)").run(blob: 1, UnsafeRawBufferPointer(start: nil, count: 0))
    #expect(try database.integer("SELECT b = x'010203' FROM t WHERE a = 1") == 1)
    #expect(try database.integer("SELECT typeof(b) = 'blob' AND length(b) = 0 FROM t WHERE a = 2") == 1)
  }

  @Test("a parameter that SQLite refuses is an error, not a NULL")
  func refusedBinding() throws {
    let database = try writer()
    let insert = try database.statement("INSERT INTO t VALUES (1, ?)")
    insert.bind(7, "there is no seventh")
    #expect(throws: DatabaseError.self) { try insert.run() }
    #expect(try database.integer("SELECT count(*) FROM t") == 0)
    try insert.bind(1, "first").run()
    #expect(try database.text("SELECT b FROM t") == "first")
  }

  @Test("a transaction is rolled back where it throws, and the next one runs")
  func transactions() throws {
    let database = try writer()
    #expect(throws: Stop.self) {
      try database.transaction {
        try database.execute("INSERT INTO t VALUES (1, 1)")
        throw Stop()
      }
    }
    #expect(try database.integer("SELECT count(*) FROM t") == 0)
    let answer = try database.transaction {
      try database.execute("INSERT INTO t VALUES (2, 2)")
      return 42
    }
    #expect(answer == 42)
    #expect(database.lastInsertedRow == 2 && database.changes == 1)
    let broken = #expect(throws: DatabaseError.self) {
      try database.transaction { try database.execute("INSERT INTO t VALUES (3, 2)") }
    }
    #expect(broken?.kind == .constraint)
  }

  @Test("a reader can't write, and sees one state within a snapshot")
  func readers() throws {
    let writer = try writer()
    try writer.execute("INSERT INTO t VALUES (1, 1)")
    let reader = try Database(path: file.path, mode: .reader)
    let refused = #expect(throws: DatabaseError.self) { try reader.execute("INSERT INTO t VALUES (2, 2)") }
    #expect(refused?.kind == .access)
    try reader.snapshot {
      #expect(try reader.integer("SELECT count(*) FROM t") == 1)
      try writer.execute("INSERT INTO t VALUES (2, 2)")
      #expect(try reader.integer("SELECT count(*) FROM t") == 1)
    }
    #expect(try reader.integer("SELECT count(*) FROM t") == 2)
  }

  @Test("the file is in WAL mode, synchronous, and wastes no writes on wiping what is deleted")
  func settings() throws {
    let database = try writer()
    #expect(try database.text("PRAGMA journal_mode") == "wal")
    #expect(try database.integer("PRAGMA synchronous") == 2)
    #expect(try database.integer("PRAGMA secure_delete") == 0)
    #expect(try database.integer("PRAGMA mmap_size") == 0)
  }

  @Test("transactions move the log into the file once it is long enough, and the log stays when all close")
  func checkpoints() throws {
    func size(_ path: String) -> Int {
      var status = stat()
      return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
    do {
      let database = try Database(path: file.path, mode: .writer, checkpointPages: 20)
      try database.execute("CREATE TABLE t(a)")
      for _ in 0..<300 {
        try database.transaction { try database.statement("INSERT INTO t VALUES (zeroblob(3000))").run() }
      }
      #expect(size(file.path) > 200 * 4096)
      #expect(size(file.path + "-wal") < 40 * 4120)
    }
    #expect(size(file.path + "-wal") > 0)
    #expect(try Database(path: file.path, mode: .reader).integer("SELECT count(*) FROM t") == 300)
  }

  @Test("a file that is no database is told as such")
  func noDatabase() throws {
    let stream = try #require(fopen(file.path, "w"))
    for _ in 0..<100 { fputs("this is a text and no database\n", stream) }
    fclose(stream)
    let error = #expect(throws: DatabaseError.self) { try Database(path: file.path, mode: .writer) }
    #expect(error?.kind == .corrupt)
  }
}
