import Glibc
import SQLite
import Telemetry
import Testing

@testable import Journal

/// Bytes that this thread has asked the kernel for.
private func bytesRead() -> Int64 {
  let text = String(decoding: FileSystem.contents(of: "/proc/thread-self/io", limit: 4096) ?? [], as: UTF8.self)
  let line = text.split(separator: "\n").first { $0.hasPrefix("rchar:") }
  return line.flatMap { Int64($0.dropFirst(6).filter(\.isNumber)) } ?? 0
}

/// So many segments of so many messages that don't compress: larger than what is checked whole.
private let segments = 500
private let perSegment = 42

/// Nothing is synced.
private func makeJournal(at path: String, segments: Int, batches: [SegmentBuilder]) throws {
  var options = JournalWriter.Options()
  options.synchronous = "OFF"
  let writer = try JournalWriter(path: path, options: options)
  for segment in 0..<segments { try writer.append(batches[segment % batches.count], clock: .at(Int64(segment))) }
}

private func makeLargeJournal(at path: String) throws {
  var generator = SystemRandomNumberGenerator()
  let batches = (0..<8).map { batch in
    SegmentBuilder(
      (0..<perSegment).map { number in
        var message = Message.report(batch * perSegment + number)
        message.payload = (0..<125).flatMap { _ in
          withUnsafeBytes(of: generator.next()) { Array($0) }
        }
        return message
      })
  }
  try makeJournal(at: path, segments: segments, batches: batches)
}

@Suite("A start that does not grow with the journal")
struct BoundedStartTests {
  private let folder = TemporaryFolder()

  private func markUnclean() { writeFile(folder.journal + ".lock", []) }

  @Test("a large journal after a kill costs no more reading than a small part of it")
  func bounded() throws {
    try makeLargeJournal(at: folder.journal)
    let size = try #require(FileSystem.size(of: folder.journal))
    try #require(size > JournalOpening.wholeBytes, "a smaller file is checked whole")
    markUnclean()
    let before = bytesRead()
    try #require(before > 0, "the kernel must count reads for each thread")
    let writer = try JournalWriter(path: folder.journal)
    let read = bytesRead() - before
    #expect(writer.openReport.outcome == .opened && !writer.openReport.isExamined)
    #expect(writer.messageCount == Int64(segments * perSegment))
    // The log, and the newest segments.
    let log = FileSystem.size(of: folder.journal + "-wal") ?? 0
    #expect(read < 2 * log + Int64(JournalOpening.newestBytes) + 1 << 20, "\(read) of \(size) bytes")

    // The last messages are found without reading what is before them.
    let reader = try JournalReader(path: folder.journal)
    let start = bytesRead()
    let first = try reader.firstID(ofLast: 4000)
    #expect(first == Int64(segments - 4000 / perSegment - 1))
    #expect(bytesRead() - start < 1 << 20)

    // What the start left out is looked through bit by bit.
    let examination = try JournalExamination(path: folder.journal)
    var steps = 0
    while try examination.step() { steps += 1 }
    #expect(examination.segments == 500 && examination.findings.isEmpty && !examination.metDamagedPage)
    #expect(steps > 20)
  }

  @Test("damage in the part that was left out is found afterwards, and the next start salvages")
  func foundLater() throws {
    try makeLargeJournal(at: folder.journal)
    var bytes = readFile(folder.journal)
    let noise = [UInt8](repeating: 0xa5, count: 64 << 10)
    bytes.replaceSubrange(bytes.count / 2..<bytes.count / 2 + noise.count, with: noise)
    writeFile(folder.journal, bytes)
    writeFile(folder.journal + "-wal", [])
    markUnclean()
    do {
      let writer = try JournalWriter(path: folder.journal)
      #expect(writer.openReport.outcome == .opened)
      let examination = try JournalExamination(path: folder.journal)
      do { while try examination.step() {} } catch { #expect(examination.metDamagedPage) }
      #expect(!examination.findings.isEmpty || examination.metDamagedPage)
      #expect(examination.findings.count < 20)
      Suspicion(journal: folder.journal).raise()
    }
    // An orderly stop is no reason to forget it.
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.openReport.outcome == .salvaged)
    #expect((450..<500).contains(writer.openReport.salvagedSegments))
    #expect(Suspicion(journal: folder.journal).level == nil)
  }

  @Test("a damaged list of free pages is seen at once, for SQLite would write over what is sound")
  func freeList() throws {
    try makeLargeJournal(at: folder.journal)
    do {
      let writer = try JournalWriter(path: folder.journal)
      try writer.trim(before: 20, olderThan: nil, limit: 100)
      #expect(writer.freeBytes > 100 << 10)
    }
    let file = try #require(PageFile(path: folder.journal, pageSize: 1024))
    #expect(FreeList(file: file, log: nil).fault == nil)
    var bytes = readFile(folder.journal)
    let trunk = bytes[32..<36].reduce(0) { $0 << 8 | Int($1) }
    // Its first free page is named once more.
    let start = (trunk - 1) * 1024
    bytes.replaceSubrange(start + 12..<start + 16, with: bytes[start + 8..<start + 12])
    writeFile(folder.journal, bytes)
    writeFile(folder.journal + "-wal", [])
    markUnclean()
    #expect(FreeList(file: file, log: nil).fault != nil)
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.openReport.outcome == .salvaged && writer.openReport.salvagedSegments == 481)
  }

  @Test("a journal that is suspected twice is set aside whatever SQLite finds")
  func condemned() throws {
    let suspicion = Suspicion(journal: folder.journal)
    do {
      let writer = try JournalWriter(path: folder.journal)
      try writer.append(SegmentBuilder([.report(1)]), clock: .at(0))
    }
    suspicion.raise()
    #expect(try JournalWriter(path: folder.journal).openReport.outcome == .opened)
    #expect(suspicion.level == .cleared)
    suspicion.raise()
    #expect(suspicion.level == .condemned)
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.openReport.outcome == .salvaged && writer.messageCount == 1)
    #expect(suspicion.level == nil)
  }

  @Test("a reader of the store's owner raises the suspicion by itself, at its opening too; another's never")
  func suspiciousReader() throws {
    _ = try JournalWriter(path: folder.journal)
    let suspicion = Suspicion(journal: folder.journal)
    var bytes = readFile(folder.journal)
    // The second page is the first table's.
    for index in 1024..<1100 { bytes[index] = 0xff }
    writeFile(folder.journal, bytes)
    #expect(throws: JournalError.self) { try JournalReader(path: folder.journal) }
    #expect(suspicion.level == nil)
    #expect(throws: JournalError.self) { try JournalReader.owner(path: folder.journal) }
    #expect(suspicion.level == .suspected)
    #expect(try JournalWriter(path: folder.journal).openReport.outcome == .salvaged)
    #expect(suspicion.level == nil)
  }

  @Test("the last messages begin in the right segment, however ids leap")
  func lastMessages() throws {
    let writer = try JournalWriter(path: folder.journal)
    let reader = try JournalReader(path: folder.journal)
    #expect(try reader.firstID(ofLast: 10) == 1)
    for count in [3, 0, 5, 1] { try writer.append(SegmentBuilder((0..<count).map(Message.report)), clock: .at(0)) }
    try writer.raiseFloor(to: 1 << 32)
    for count in [4, 2] { try writer.append(SegmentBuilder((0..<count).map(Message.report)), clock: .at(0)) }
    // The newest segment's own two are not counted.
    let leap: Int64 = 1 << 32 + 1
    for (wanted, expected) in [(1, leap), (4, leap), (5, 4), (6, 3), (10, 3), (11, 1), (500, 1)] as [(Int, Int64)] {
      #expect(try reader.firstID(ofLast: wanted) == expected, "\(wanted)")
    }
  }

  /// `LUMBUNG_MAKE_JOURNAL=MESSAGES:PATH swift test --filter makesJournal`: for measurements by hand.
  @Test("makes a journal to measure with", .enabled(if: getenv("LUMBUNG_MAKE_JOURNAL") != nil))
  func makesJournal() throws {
    let text = getenv("LUMBUNG_MAKE_JOURNAL").map { String(cString: $0) } ?? ""
    let parts = text.split(separator: ":", maxSplits: 1)
    let count = try #require(parts.first.flatMap { Int($0) })
    let batches = (0..<8).map { batch in SegmentBuilder((0..<2000).map { Message.report(batch * 2000 + $0) }) }
    try makeJournal(at: String(try #require(parts.last)), segments: count / 2000, batches: batches)
  }
}
