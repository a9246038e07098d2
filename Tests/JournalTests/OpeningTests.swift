import SQLite
import Telemetry
import Testing

@testable import Journal

@Suite("Opening what is there")
struct OpeningTests {
  private let folder = TemporaryFolder()

  private func fill(_ count: Int) throws -> String {
    let writer = try JournalWriter(path: folder.journal)
    for number in 1...count { try writer.append(SegmentBuilder([.report(number)]), clock: .at(Int64(number))) }
    return writer.uuid
  }

  /// The database as it stands on disk once it is closed.
  private func change(_ sql: String) throws {
    try Database(path: folder.journal, mode: .writer).execute(sql)
  }

  private var setAside: [String] { folder.names.filter { $0.hasPrefix("journal.db.damaged-") } }

  @Test("a new journal has an identity of its own, no messages, and a reserve")
  func created() throws {
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.openReport.outcome == .created)
    #expect(writer.uuid.utf8.count == 36)
    #expect(writer.newestID == 0 && writer.oldestID == 1 && writer.messageCount == 0)
    #expect(writer.hasReserve)
    #expect(FileSystem.size(of: folder.journal + ".reserve") == 1 << 20)
    writer.releaseReserve()
    #expect(!writer.hasReserve)
    #expect(writer.restoreReserve())
    let other = TemporaryFolder()
    #expect(try JournalWriter(path: other.journal).uuid != writer.uuid)
  }

  @Test("a folder that isn't there is refused with what helps")
  func noFolder() throws {
    let error = #expect(throws: JournalError.self) { try JournalWriter(path: "/nowhere/at/all/journal.db") }
    #expect(error?.kind == .access)
    #expect(error?.description.contains("folder must exist") == true)
  }

  @Test("a second writer is refused while the first lives, and not after")
  func lock() throws {
    do {
      let first = try JournalWriter(path: folder.journal)
      let error = #expect(throws: JournalError.self) { try JournalWriter(path: folder.journal) }
      #expect(error?.kind == .busy)
      #expect(first.newestID == 0)
    }
    #expect(try JournalWriter(path: folder.journal).openReport.outcome == .opened)
  }

  @Test("a newer schema is refused, by writer and reader, and the file stays as it was")
  func newerSchema() throws {
    _ = try fill(3)
    try change("UPDATE meta SET value = 2 WHERE key = 'schema'; PRAGMA user_version=2")
    let before = readFile(folder.journal)
    let refused = #expect(throws: JournalError.self) { try JournalWriter(path: folder.journal) }
    #expect(refused?.kind == .newerSchema)
    #expect(readFile(folder.journal) == before)
    #expect(setAside.isEmpty)
    let reader = #expect(throws: JournalError.self) { try JournalReader(path: folder.journal) }
    #expect(reader?.kind == .newerSchema)
  }

  @Test("a header that calls itself newer against the file's own word is damaged, not newer")
  func damagedVersion() throws {
    let uuid = try fill(3)
    try change("PRAGMA user_version=65537")
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.openReport.outcome == .salvaged)
    #expect(writer.openReport.salvagedSegments == 3)
    #expect(writer.uuid == uuid)
  }

  @Test("a foreign database is set aside whole, and a new journal takes its place")
  func foreign() throws {
    try change("CREATE TABLE theirs(a); INSERT INTO theirs VALUES ('kept')")
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.openReport.outcome == .salvaged)
    #expect(!writer.openReport.keptUUID && writer.newestID == 0)
    let aside = try #require(writer.openReport.setAside)
    #expect(aside.hasSuffix("-foreign"))
    #expect(try Database(path: aside, mode: .reader).text("SELECT a FROM theirs") == "kept")
    #expect(try writer.append(SegmentBuilder([.report(1)]), clock: .at(0)) == 1)
  }

  @Test("a file that is no database at all is set aside", arguments: [1, 50, 99, 5000])
  func text(length: Int) throws {
    let bytes = [UInt8](repeating: 0x61, count: length)
    writeFile(folder.journal, bytes)
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.openReport.outcome == .salvaged)
    #expect(readFile(try #require(writer.openReport.setAside)) == bytes)
    #expect(try writer.append(SegmentBuilder([.report(1)]), clock: .at(0)) == 1)
  }

  @Test("a first start that was cut short is made whole")
  func cutShort() throws {
    writeFile(folder.journal, [])
    #expect(try JournalWriter(path: folder.journal).openReport.outcome == .created)
    let other = TemporaryFolder()
    // WAL mode is set, no table is there yet.
    _ = try Database(path: other.journal, mode: .writer, pageSize: 1024)
    #expect(try JournalWriter(path: other.journal).openReport.outcome == .created)
  }

  @Test("what can be read of a damaged file keeps its ids and its identity, and new ids are far above")
  func salvaged() throws {
    let uuid = try fill(200)
    var bytes = readFile(folder.journal)
    for index in 0..<100 { bytes[index] = 0 }
    writeFile(folder.journal, bytes)
    // It holds a good copy of the first page.
    writeFile(folder.journal + "-wal", [])
    let writer = try JournalWriter(path: folder.journal)
    let report = writer.openReport
    #expect(report.outcome == .salvaged && report.salvagedSegments == 200 && report.salvagedMessages == 200)
    #expect(report.gaps.isEmpty && report.keptUUID)
    #expect(writer.uuid == uuid && writer.oldestID == 1 && writer.messageCount == 200)
    #expect(try writer.append(SegmentBuilder([.report(0)]), clock: .at(0)) == 1 << 32 + 1)
    let found = try JournalReader(path: folder.journal).all()
    for number in 1...200 { #expect(found[Int64(number)] == [.report(number)]) }
    #expect(readFile(try #require(report.setAside)) == bytes)
    #expect(writer.hasReserve)
  }

  @Test(
    "a flipped bit in what describes the tables makes no other column of one", arguments: ["wall", "count", "floor"])
  func description(word: String) throws {
    let uuid = try fill(3)
    var bytes = readFile(folder.journal)
    let name = Array(word.utf8)
    let at = try #require(bytes.indices.first { bytes[$0...].starts(with: name) })
    bytes[at] ^= 1
    writeFile(folder.journal, bytes)
    let writer = try JournalWriter(path: folder.journal)
    // The floor is a row, not a column: without it nothing is amiss while there are segments.
    #expect(writer.openReport.outcome == (word == "floor" ? .opened : .salvaged))
    #expect(writer.uuid == uuid && writer.messageCount == 3)
    #expect(try JournalReader(path: folder.journal).all().count == 3)
  }

  @Test("segments that a trim deleted do not come back")
  func deletedStayDeleted() throws {
    _ = try fill(100)
    _ = try JournalWriter(path: folder.journal).trim(before: 61, olderThan: nil, limit: 1000)
    try change("PRAGMA user_version=0")
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.openReport.outcome == .salvaged)
    #expect(writer.oldestID == 61 && writer.messageCount == 40)
  }

  @Test("damage that hides the oldest rows does not pass for a trim", arguments: [0, 61])
  func hiddenIsNotDeleted(trimmed: Int64) throws {
    _ = try fill(100)
    if trimmed > 0 { _ = try JournalWriter(path: folder.journal).trim(before: trimmed, olderThan: nil, limit: 1000) }
    var file = readFile(folder.journal)
    // A page of rows that are there, all of them called 0: SQLite finds nothing at all in such a tree.
    let page = try #require(
      stride(from: 1024, to: file.count, by: 1024).first { start in
        file[start] == 13 && LeafPage(file[start..<start + 1024])?.cells.isEmpty == false && file[start + 4] > 2
      })
    for at in page + 512..<page + 1024 { file[at] = 0 }
    writeFile(folder.journal, file)
    writeFile(folder.journal + "-wal", [])
    writeFile(folder.journal + ".lock", [])
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.openReport.outcome == .salvaged)
    let found = try JournalReader(path: folder.journal).all().keys.filter { $0 <= 100 }
    #expect(found.count >= (trimmed == 0 ? 92 : 32), "only what the page held is lost: \(found.sorted())")
    #expect(found.allSatisfy { $0 >= trimmed })
  }

  @Test("a file of a program that did not note its trims loses nothing that is there")
  func unnotedTrim() throws {
    _ = try fill(100)
    _ = try JournalWriter(path: folder.journal).trim(before: 61, olderThan: nil, limit: 1000)
    for value in ["DELETE FROM meta WHERE key = 'trimmed'", "INSERT INTO meta VALUES ('trimmed', '99 60')"] {
      try change("\(value); PRAGMA user_version=0")
      let writer = try JournalWriter(path: folder.journal)
      #expect(writer.openReport.outcome == .salvaged && writer.messageCount >= 40)
    }
  }

  @Test("a lost file beside a log that has it all is made anew from the log")
  func missingFile() throws {
    let copy = TemporaryFolder()
    var uuid = ""
    do {
      let writer = try JournalWriter(path: folder.journal)
      uuid = writer.uuid
      for number in 1...30 { try writer.append(SegmentBuilder([.report(number)]), clock: .at(0)) }
      writeFile(copy.journal + "-wal", readFile(folder.journal + "-wal"))
    }
    let writer = try JournalWriter(path: copy.journal)
    #expect(writer.openReport.salvagedSegments == 30)
    #expect(writer.uuid == uuid)
  }

  @Test("only the newest damaged file is kept")
  func oneAside() throws {
    for round in 0..<3 {
      writeFile(folder.journal, [UInt8](repeating: UInt8(round), count: 300))
      for suffix in ["-wal", "-shm"] { writeFile(folder.journal + suffix, []) }
      #expect(try JournalWriter(path: folder.journal).openReport.outcome == .salvaged)
    }
    let files = setAside.filter { !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") }
    #expect(files.count == 1)
    #expect(readFile(folder.path + "/" + (files.first ?? "")) == [UInt8](repeating: 2, count: 300))
  }

  @Test("a salvage that a power cut ended is done again, or only finished", arguments: [false, true])
  func interrupted(finished: Bool) throws {
    let uuid = try fill(20)
    let draft = folder.journal + ".salvage"
    do {
      let database = try Database(path: draft, mode: .writer, pageSize: 1024)
      try JournalSchema.create(in: database, uuid: uuid, floor: 1 << 32, finished: finished)
      try database.execute("INSERT INTO meta VALUES ('replaces', '\(folder.journal).damaged-then-pages')")
    }
    try change("PRAGMA user_version=0")
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.openReport.outcome == .salvaged)
    #expect(writer.uuid == uuid)
    #expect(writer.messageCount == (finished ? 0 : 20))
    #expect(writer.newestID == (finished ? 1 << 32 : 20))
    #expect(!folder.names.contains { $0.hasPrefix("journal.db.salvage") })
    #expect(setAside.contains("journal.db.damaged-then-pages") == finished)
  }

  @Test("damage that is met while writing ends the writer, and the next start salvages")
  func damageWhileOpen() throws {
    let uuid = try fill(300)
    // It holds good copies of the pages.
    writeFile(folder.journal + "-wal", [])
    do {
      let writer = try JournalWriter(path: folder.journal)
      let bytes = readFile(folder.journal)
      // What is behind the header and the newest pages, where the trim has to go.
      let noise = [UInt8](repeating: 0xa5, count: bytes.count / 2)
      writeFile(folder.journal, Array(bytes[..<8192]) + noise + bytes[(8192 + noise.count)...])
      let error = #expect(throws: JournalError.self) { try writer.trim(before: 250, olderThan: nil, limit: 1000) }
      #expect(error?.kind == .damaged)
      #expect(writer.mustReopen)
      let after = #expect(throws: JournalError.self) { try writer.append(SegmentBuilder(), clock: .at(0)) }
      #expect(after?.kind == .mustReopen)
    }
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.openReport.outcome == .salvaged)
    #expect(writer.uuid == uuid)
    #expect(writer.openReport.gaps.count + writer.openReport.salvagedSegments > 0)
    let newest = try writer.append(SegmentBuilder([.report(1)]), clock: .at(0))
    #expect(newest > 300)
  }
}
