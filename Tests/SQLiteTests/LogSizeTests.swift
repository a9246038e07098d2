import Glibc
import Testing

@testable import SQLite

@Suite("How long a log stays")
struct LogSizeTests {
  @Test("what a log has grown to under a reader it gives back, and keeps the room that it needs")
  func shrinks() throws {
    var template = Array("/tmp/lumbung-log-XXXXXX".utf8CString)
    let folder = String(cString: mkdtemp(&template))
    defer { for name in ["test.db", "test.db-wal", "test.db-shm", ""] { remove("\(folder)/\(name)") } }
    let path = "\(folder)/test.db"
    let database = try Database(path: path, mode: .writer, pageSize: 1024, checkpointPages: 64)
    try database.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)")
    func size() throws -> Int {
      var log = stat()
      try #require(stat(path + "-wal", &log) == 0)
      return Int(log.st_size)
    }
    func commit(_ kibibytes: Int) throws {
      try database.transaction { try database.execute("INSERT INTO t(b) VALUES(zeroblob(\(kibibytes * 1024)))") }
    }

    let reader = try Database(path: path, mode: .reader)
    try reader.snapshot {
      _ = try reader.integer("SELECT count(*) FROM t")
      for _ in 0..<100 { try commit(10) }
    }
    #expect(try size() > 1_000_000)
    for _ in 0..<20 { try commit(10) }
    // A quarter more than the 64 pages at which it is moved into the file.
    let limit = 80 * (1024 + 24)
    #expect(try size() <= limit + 32)
    #expect(try size() > limit / 2)
    #expect(try database.integer("SELECT count(*) FROM t") == 120)
    #expect(try database.text("PRAGMA integrity_check") == "ok")
  }
}
