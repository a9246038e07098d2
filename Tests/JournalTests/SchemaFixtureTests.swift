import Glibc
import SQLite
import Telemetry
import Testing

@testable import Journal

/// Files of every schema that was ever released, as the program of that time made them: see Fixtures/schema.
@Suite("Journals of earlier schemas")
struct SchemaFixtureTests {
  /// Three folders up from this file.
  private static let fixtures: String = {
    let folders = "\(#filePath)".split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    return folders.joined(separator: "/") + "/Fixtures/schema"
  }()

  private let folder = TemporaryFolder()

  @Test("opens with all of its content", arguments: [1])
  func opens(version: Int) throws {
    let bytes = readFile("\(Self.fixtures)/v\(version)/journal.db")
    try #require(!bytes.isEmpty)
    writeFile(folder.journal, bytes)
    do {
      let writer = try JournalWriter(path: folder.journal)
      #expect(writer.openReport.outcome == .opened)
      #expect(writer.oldestID == 3 && writer.newestID == 12 && writer.messageCount == 75)
      #expect(try writer.append(SegmentBuilder([.report(0)]), clock: .at(0)) == 13)
    }
    let found = try JournalReader(path: folder.journal).all()
    for number in 3...12 {
      #expect(found[Int64(number)] == (0..<number).map { Message.report(number * 100 + $0) })
    }
    let database = try Database(path: folder.journal, mode: .reader)
    #expect(try database.integer("PRAGMA user_version") == JournalSchema.version)
    #expect(try database.integer("SELECT value FROM meta WHERE key = 'schema'") == JournalSchema.version)
  }

  @Test("a newer one is refused, and not a byte of it changes", arguments: [1, 2, 1000])
  func newer(by step: Int64) throws {
    writeFile(folder.journal, readFile("\(Self.fixtures)/v1/journal.db"))
    let version = JournalSchema.version + step
    do {
      let database = try Database(path: folder.journal, mode: .writer)
      try database.execute("UPDATE meta SET value = \(version) WHERE key = 'schema'; PRAGMA user_version=\(version)")
    }
    let before = readFile(folder.journal)
    let refused = #expect(throws: JournalError.self) { try JournalWriter(path: folder.journal) }
    #expect(refused?.kind == .newerSchema)
    #expect(refused?.description.contains("version \(version)") == true)
    #expect(refused?.description.contains("install the newer version") == true)
    #expect(readFile(folder.journal) == before)
  }

  /// `LUMBUNG_MAKE_SCHEMA=FOLDER swift test --filter makesSchema`: once for each new schema.
  @Test("makes the present schema's file", .enabled(if: getenv("LUMBUNG_MAKE_SCHEMA") != nil))
  func makesSchemaJournal() throws {
    let path = try #require(getenv("LUMBUNG_MAKE_SCHEMA").map { String(cString: $0) + "/journal.db" })
    let writer = try JournalWriter(path: path)
    for number in 1...12 {
      let batch = (0..<number).map { Message.report(number * 100 + $0) }
      try writer.append(SegmentBuilder(batch), clock: .at(Int64(number)))
    }
    try writer.trim(before: 3, olderThan: nil, limit: 10)
  }
}
