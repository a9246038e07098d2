import Glibc
import SQLite
import Telemetry
import Testing

@testable import Outbox

/// Files of every schema that was ever released, as the program of that time made them: see Fixtures/schema.
@Suite("Outboxes of earlier schemas")
struct SchemaFixtureTests {
  /// Three folders up from this file.
  private static let fixtures: String = {
    let folders = "\(#filePath)".split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    return folders.joined(separator: "/") + "/Fixtures/schema"
  }()

  private let folder = Folder()

  private func bytes(_ path: String) -> [UInt8] {
    let file = Glibc.open(path, O_RDONLY)
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    return Array(bytes[..<max(0, read(file, &bytes, bytes.count))])
  }

  @Test("opens with all of its content", arguments: [1, 2, 3, 4])
  func opens(version: Int) throws {
    let content = bytes("\(Self.fixtures)/v\(version)/outbox.db")
    try #require(!content.isEmpty)
    folder.write("outbox.db", content)
    let outbox = try folder.open()
    #expect(outbox.openReport == OpenReport())
    #expect(try outbox.derivedBefore() == 12)
    #expect(try outbox.drain(.summary) == (11...30).map { "{\"seq\":\($0)," + expected($0) })
    #expect(try outbox.drain(.alarm) == (1...3).map { "{\"seq\":\($0)," + expected($0) })
    #expect(outbox.deadLetterCount == 1)
    #expect(try Database(path: folder.database, mode: .reader).integer("PRAGMA user_version") == Schema.version)
  }

  @Test(
    "a start after the one that migrates it finds it sound, with a checksum on every page", arguments: [1, 2, 3, 4])
  func opensAgain(version: Int) throws {
    folder.write("outbox.db", bytes("\(Self.fixtures)/v\(version)/outbox.db"))
    do { _ = try folder.open() }
    #expect(try Database(path: folder.database, mode: .reader).bearsPageChecksums())
    let outbox = try folder.open()
    #expect(outbox.openReport == OpenReport())
    #expect(try outbox.drain(.summary).count == 20)
  }

  private func expected(_ number: Int) -> String { String(decoding: record(number).dropFirst(), as: UTF8.self) }

  @Test("a newer one is refused, and not a byte of it changes", arguments: [1, 1000])
  func newer(by step: Int64) throws {
    folder.write("outbox.db", bytes("\(Self.fixtures)/v1/outbox.db"))
    try Database(path: folder.database, mode: .writer).execute("PRAGMA user_version=\(Schema.version + step)")
    let before = bytes(folder.database)
    let refused = #expect(throws: OutboxError.self) { try folder.open() }
    #expect(refused?.code == .newerSchema)
    #expect(refused?.description.contains("schema \(Schema.version + step)") == true)
    #expect(bytes(folder.database) == before)
  }

  /// `LUMBUNG_MAKE_SCHEMA=FOLDER swift test --filter makesSchema`: once for each new schema.
  @Test("makes the present schema's file", .enabled(if: getenv("LUMBUNG_MAKE_SCHEMA") != nil))
  func makesSchemaOutbox() throws {
    let path = try #require(getenv("LUMBUNG_MAKE_SCHEMA").map { String(cString: $0) + "/outbox.db" })
    let outbox = try Outbox(.init(path: path, gateway: "gw", epoch: "e1", destinations: [.init(name: "central")]))
    try outbox.append(.summary, 1...10)
    try outbox.drain(.summary)
    try outbox.append(.summary, 11...30)
    try outbox.append(.alarm, 1...3)
    try outbox.append(.status, 1...1)
    for batch in try outbox.nextBatches(for: "central", lane: .status, limit: 1) {
      try outbox.refuse(batch, for: "central", reason: "a test")
    }
    try outbox.transaction { $0.rawBefore = 12 }
  }
}
