import Glibc
import SQLite
import Telemetry
import Testing

@testable import Outbox

@Suite("What SQLite passes over in a log")
struct LogDamageTests {
  private static let frame = 24 + 4096

  /// An outbox in mid-life: the log holds transactions of which the file has nothing.
  private func snapshot() throws -> (file: [UInt8], log: [UInt8]) {
    let folder = Folder()
    let outbox = try folder.open()
    for number in 0..<6 { try outbox.append(.summary, [number]) }
    return withExtendedLifetime(outbox) { (read(folder.database), read(folder.database + "-wal")) }
  }

  private func read(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "rb") else { return [] }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: SmallFile.size(path) ?? 0)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes.prefix(count))
  }

  private func look(_ file: [UInt8], _ log: [UInt8]) -> LogDamage.Verdict {
    let folder = Folder()
    folder.write("outbox.db", file, truncate: true)
    folder.write("outbox.db-wal", log, truncate: true)
    return LogDamage.look(at: folder.database)
  }

  /// Frames of the log that end a transaction, of its last round.
  private func commits(_ log: [UInt8]) -> [Int] {
    stride(from: 32, through: log.count - LogDamageTests.frame, by: LogDamageTests.frame).filter { start in
      log[start + 8..<start + 16] == log[16..<24] && log[start + 4..<start + 8].contains { $0 != 0 }
    }
  }

  @Test("a whole log, and one whose last transaction is unfinished, are as a power cut leaves them")
  func sound() throws {
    let (file, log) = try snapshot()
    try #require(commits(log).count > 6)
    #expect(look(file, log) == .nothing)
    var torn = log
    let last = try #require(commits(log).last)
    for at in last..<last + LogDamageTests.frame { torn[at] = 0 }
    #expect(look(file, torn) == .nothing)
  }

  @Test("committed transactions behind a damaged place are missed, wherever it lies", arguments: [0, 1, 2, 3])
  func damaged(place: Int) throws {
    let (file, log) = try snapshot()
    let commits = commits(log)
    let damaged: Range<Int> =
      switch place {
      // The header and with it the first frame's, the header alone, a frame's header, a frame's content.
      case 0: 0..<512
      case 1: 20..<21
      case 2: commits[commits.count - 4] + 9..<commits[commits.count - 4] + 10
      default: commits[commits.count - 4] + 1000..<commits[commits.count - 4] + 1512
      }
    var log2 = log
    for at in damaged { log2[at] = place == 0 ? 0 : log2[at] ^ 0x10 }
    try #require(log2 != log)
    #expect(look(file, log2) == .undoesCommits)
  }

  @Test("where the file has all of it already, the log alone is the damage")
  func isInDatabase() throws {
    let folder = Folder()
    let outbox = try folder.open()
    for number in 0..<6 { try outbox.append(.summary, [number]) }
    let log = read(folder.database + "-wal")
    let database = try Database(path: folder.database, mode: .writer)
    try database.checkpoint()
    let file = read(folder.database)
    #expect(look(file, log) == .nothing)
    var damaged = log
    let commits = commits(log)
    damaged[commits[commits.count - 4] + 1000] ^= 1
    #expect(look(file, damaged) == .isInDatabase)
    withExtendedLifetime(outbox) {}
  }
}
