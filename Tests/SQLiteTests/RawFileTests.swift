import Foundation
import Testing

@testable import SQLite

@Suite("Reading a database's bytes")
struct RawFileTests {
  /// Which bytes of the file this process has locked, by the kernel's word.
  private func locks(on path: String) throws -> Int {
    var status = stat()
    try #require(stat(path, &status) == 0)
    let held = try String(contentsOfFile: "/proc/locks", encoding: .utf8)
    return held.split(separator: "\n").count { line in
      let words = line.split(separator: " ")
      guard words.count > 5, words[1] == "POSIX", words[4] == "\(getpid())" else { return false }
      return words[5].hasSuffix(":\(status.st_ino)")
    }
  }

  private func withDatabase(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "lumbung-raw-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/a.db"
    let database = try Database(path: path, mode: .writer)
    try database.execute("CREATE TABLE t(a)")
    try database.checkpoint()
    try body(path)
    #expect(try database.integer("SELECT count(*) FROM t") == 0)
  }

  @Test("leaves the locks of those who use it as they are")
  func locks() throws {
    try withDatabase { path in
      try #require(try locks(on: path) > 0)
      #expect(RawFile(path: path)?.read(at: 0, count: 15) == Array("SQLite format 3".utf8))
      #expect(try locks(on: path) > 0)
    }
  }

  @Test("by the system's own calls loses them")
  func control() throws {
    try withDatabase { path in
      try #require(try locks(on: path) > 0)
      #expect(FileManager.default.contents(atPath: path)?.prefix(6) == Data("SQLite".utf8))
      #expect(try locks(on: path) == 0)
    }
  }

  @Test("gives what there is of it, and nothing of a file that isn't there")
  func ends() throws {
    try withDatabase { path in
      let file = try #require(RawFile(path: path))
      #expect(file.size == 8192)
      #expect(file.read(at: 4096, count: 10_000)?.count == 4096)
      #expect(file.read(at: 8192, count: 10) == [])
      #expect(RawFile(path: path + "-none") == nil)
    }
  }
}
