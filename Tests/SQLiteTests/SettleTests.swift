import Foundation
import Testing

@testable import SQLite

/// A sync fails, the kernel forgets what it was to save, and yet every process reads it from the cache: a commit is in
/// the log as everyone sees it, and not in the log on the disk.
@Suite("A commit whose sync failed")
struct SettleTests {
  private static let page = 1024
  private static let header = 32
  private static let frame = 24 + page

  /// What a power cut leaves when the log was moved into the file and synced after that.
  ///
  /// - Returns: the rows, or what SQLite finds.
  private func afterPowerCut(_ settle: (Database) throws -> Void) throws -> String {
    let folder = NSTemporaryDirectory() + "lumbung-settle-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (path, log) = (folder + "/a.db", folder + "/a.db-wal")
    func open() throws -> Database {
      try Database(path: path, mode: .writer, synchronous: "OFF", pageSize: SettleTests.page, checkpointPages: 10_000)
    }
    let first = try open()
    try first.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)")
    for _ in 0..<60 { try first.transaction { try first.execute("INSERT INTO t(b) VALUES(zeroblob(700))") } }
    let onDisk = try Data(contentsOf: URL(fileURLWithPath: log))
    try first.transaction {
      try first.execute("DELETE FROM t WHERE a < 60")
      try first.execute("CREATE TABLE u(a)")
    }
    try settle(open())
    // What was written since is there; of what the sync was to save there is nothing.
    let seen = try Data(contentsOf: URL(fileURLWithPath: log))
    let begunAnew = seen.prefix(SettleTests.header) != onDisk.prefix(SettleTests.header)
    let written = begunAnew ? SettleTests.header + SettleTests.frame : 0
    let cut = folder + "/cut.db"
    try FileManager.default.copyItem(atPath: path, toPath: cut)
    try (seen.prefix(written) + onDisk.dropFirst(written)).write(to: URL(fileURLWithPath: cut + "-wal"))
    let after = try Database(path: cut, mode: .writer)
    let finding = try after.text("PRAGMA integrity_check(1)") ?? "nothing"
    guard finding == "ok" else { return finding }
    return "\(try after.integer("SELECT count(*) FROM t")) rows"
  }

  @Test("is there for good once the next process has settled it, whatever the log on the disk lacks")
  func settled() throws {
    #expect(try afterPowerCut { try $0.settle() } == "1 rows")
  }

  @Test("is no reason not to start where a reader stays at the log; once it has gone, it is settled")
  func reader() throws {
    let found = try afterPowerCut { database in
      let reader = try Database(path: database.path, mode: .reader)
      try reader.execute("BEGIN")
      #expect(try reader.integer("SELECT count(*) FROM t") == 1)
      try database.settle()
      try reader.execute("COMMIT")
      try database.settle()
    }
    #expect(found == "1 rows")
  }

  @Test("would be undone, or worse, where the log were only moved into the file")
  func control() throws {
    let found = try? afterPowerCut { try $0.checkpoint() }
    #expect(found != "1 rows")
  }
}
