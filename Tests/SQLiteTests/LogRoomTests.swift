import Glibc
import Testing

@testable import SQLite

/// A file system of its own, that others have filled.
private final class SmallDisk {
  let folder: String

  init?(size: String) {
    var template = Array("/tmp/lumbung-disk-XXXXXX".utf8CString)
    folder = String(cString: mkdtemp(&template))
    guard getuid() == 0, mount("tmpfs", folder, "tmpfs", 0, "size=\(size)") == 0 else {
      rmdir(folder)
      return nil
    }
  }

  deinit {
    umount2(folder, Int32(MNT_DETACH))
    rmdir(folder)
  }

  /// Writes until nothing more fits.
  func fill() {
    let descriptor = open("\(folder)/others", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    defer { close(descriptor) }
    let block = [UInt8](repeating: 7, count: 4096)
    while write(descriptor, block, block.count) > 0 {}
    #expect(errno == ENOSPC)
  }

  static let isPossible: Bool = SmallDisk(size: "64k") != nil
}

@Suite("A log on a full disk", .enabled(if: SmallDisk.isPossible, "needs to be root, with the right to mount"))
struct LogRoomTests {
  /// How many commits of a page or two a full disk takes, at most 200.
  private func commits(keeping bytes: Int?) throws -> Int {
    let disk = try #require(SmallDisk(size: "4m"))
    let database = try Database(path: "\(disk.folder)/test.db", mode: .writer)
    try database.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)")
    try database.execute("INSERT INTO t VALUES(1, 0)")
    if let bytes { database.keepLogRoom(bytes) }
    disk.fill()
    for number in 0..<200 {
      do {
        try database.transaction { try database.execute("UPDATE t SET b = \(number)") }
      } catch let error as DatabaseError {
        #expect(error.kind == .full)
        return number
      }
    }
    #expect(try database.integer("SELECT b FROM t") == 199)
    #expect(try database.text("PRAGMA integrity_check") == "ok")
    return 200
  }

  @Test("commits go on in the room that was kept for the log")
  func kept() throws { #expect(try commits(keeping: 2 << 20) == 200) }

  @Test("without that room they soon fail, so that it is known to help")
  func control() throws { #expect(try commits(keeping: nil) < 20) }

  @Test("the log's room neither shows in its length nor changes what is read")
  func invisible() throws {
    let disk = try #require(SmallDisk(size: "8m"))
    let path = "\(disk.folder)/test.db"
    var database: Database? = try Database(path: path, mode: .writer)
    try database?.execute("CREATE TABLE t(a)")
    var before = stat()
    var after = stat()
    #expect(stat("\(path)-wal", &before) == 0)
    database?.keepLogRoom(4 << 20)
    #expect(stat("\(path)-wal", &after) == 0)
    #expect(before.st_size == after.st_size && after.st_blocks * 512 >= 4 << 20)
    try database?.execute("INSERT INTO t VALUES(7)")
    database = nil
    database = try Database(path: path, mode: .writer)
    #expect(try database?.integer("SELECT a FROM t") == 7)
  }
}
