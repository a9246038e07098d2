import SQLite
import Telemetry
import Testing

@testable import Journal

@Suite("Reading")
struct ReaderTests {
  @Test("a limit of segments, of bytes, and of ids holds, and there is always one")
  func limits() throws {
    let folder = TemporaryFolder()
    let writer = try JournalWriter(path: folder.journal)
    for number in 0..<20 { try writer.append(SegmentBuilder([.report(number)]), clock: .at(0)) }
    let reader = try JournalReader(path: folder.journal)
    #expect(try reader.segments(after: 0).map(\.id) == Array(1...20))
    #expect(try reader.segments(after: 3, limit: 4).map(\.id) == [4, 5, 6, 7])
    #expect(try reader.segments(after: 3, through: 5).map(\.id) == [4, 5])
    #expect(try reader.segments(after: 3, maxBytes: 1).map(\.id) == [4])
    #expect(try reader.segments(after: 20).isEmpty)
    #expect(try reader.segments(after: .max).isEmpty)
    #expect(try reader.segments(after: .min, limit: 1).map(\.id) == [1])
  }

  @Test("a reader that reads all the time does not keep the log from being used again")
  func walIsReset() throws {
    let folder = TemporaryFolder()
    var options = JournalWriter.Options()
    options.checkpointPages = 32
    let writer = try JournalWriter(path: folder.journal, options: options)
    let reader = try JournalReader(path: folder.journal)
    var generator = SeededGenerator(seed: 1)
    var cursor: Int64 = 0
    for _ in 0..<400 {
      try writer.append(SegmentBuilder((0..<5).map { _ in Message.random(using: &generator) }), clock: .at(0))
      cursor = try reader.segments(after: cursor).last?.id ?? cursor
      _ = try reader.firstID(receivedAtOrAfter: ClockReading.at(0).wall)
      #expect(reader.newestID == writer.newestID && reader.oldestID == 1)
    }
    #expect(cursor == 400)
    // 400 commits are some 2000 pages; the log is used again every 32 or a little more.
    let log = try #require(FileSystem.size(of: folder.journal + "-wal"))
    #expect(log < 100 * Int64(options.pageSize + 24))
  }

  @Test("a damaged segment stands in its place, and those around it are read")
  func damagedSegment() throws {
    let folder = TemporaryFolder()
    do {
      let writer = try JournalWriter(path: folder.journal)
      for number in 1...5 { try writer.append(SegmentBuilder([.report(number)]), clock: .at(Int64(number))) }
    }
    do {
      let database = try Database(path: folder.journal, mode: .writer)
      let content = try database.statement("SELECT content FROM segment WHERE id = 2")
      #expect(try content.step())
      var bytes = content.blob(0)
      content.reset()
      bytes[bytes.count / 2] ^= 1
      try database.statement("UPDATE segment SET content = ? WHERE id = 2").bind(1, bytes).run()
      try database.execute("UPDATE segment SET wall = wall + 1 WHERE id = 3")
      try database.execute("UPDATE segment SET content = (SELECT content FROM segment WHERE id = 5) WHERE id = 4")
    }
    let found = try JournalReader(path: folder.journal).all()
    #expect(found.keys.sorted() == [1, 2, 3, 4, 5])
    #expect(found.compactMapValues { $0 } == [1: [.report(1)], 5: [.report(5)]])
  }

  @Test("rows that no version of ours wrote are reported as damaged, and nothing crashes")
  func hostileRows() throws {
    let folder = TemporaryFolder()
    do {
      let writer = try JournalWriter(path: folder.journal)
      try writer.append(SegmentBuilder([.report(1)]), clock: .at(0))
    }
    do {
      let database = try Database(path: folder.journal, mode: .writer)
      try database.execute(
        """
        INSERT INTO segment VALUES (-9223372036854775808, 0, 0, 0, 0, x''), (2, 'a', 'b', 'c', 'd', 'text'),
          (3, 9223372036854775807, 9223372036854775807, 1, 9223372036854775807, x'28b52ffd'),
          (4611686018427387903, 0, 0, 0, 0, zeroblob(100000));
        INSERT INTO step VALUES (-5), (0), (9223372036854775807);
        """)
    }
    let writer = try JournalWriter(path: folder.journal)
    let reader = try JournalReader(path: folder.journal)
    #expect(try reader.all().filter { $0.value == nil }.count == 3)
    _ = try reader.firstID(receivedAtOrAfter: Timestamp(milliseconds: 0))
    _ = try reader.firstID(receivedAtOrAfter: Timestamp(nanoseconds: .max))
    _ = writer.messageCount
    #expect(writer.oldestID == 1)
    let id = try writer.append(SegmentBuilder(), clock: .at(0))
    #expect(id == 4_611_686_018_427_387_904)
    try writer.trim(before: .max, olderThan: nil, limit: 10)
    #expect(writer.oldestID == writer.newestID)
  }

  @Test("a file that isn't there, or is no journal, is refused with what helps")
  func refused() throws {
    let folder = TemporaryFolder()
    let missing = #expect(throws: JournalError.self) { try JournalReader(path: folder.journal) }
    #expect(missing?.kind == .access)
    #expect(missing?.description.contains(folder.journal) == true)
    _ = try Database(path: folder.journal, mode: .writer).execute("CREATE TABLE t(a)")
    let foreign = #expect(throws: JournalError.self) { try JournalReader(path: folder.journal) }
    #expect(foreign?.kind == .damaged)
  }
}
