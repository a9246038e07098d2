import Telemetry
import Testing

@testable import Journal

@Suite("Ends without warning")
struct CrashTests {
  @Test("copies of the files taken at any commit hold every commit that had returned", arguments: [7, 1000])
  func copies(checkpointPages: Int) throws {
    let folder = TemporaryFolder()
    var options = JournalWriter.Options()
    options.checkpointPages = checkpointPages
    let writer = try JournalWriter(path: folder.journal, options: options)
    for number in 1...40 {
      let id = try writer.append(SegmentBuilder([.report(number)]), clock: .at(Int64(number)))
      let copy = TemporaryFolder()
      for suffix in ["", "-wal", ".lock"] { writeFile(copy.journal + suffix, readFile(folder.journal + suffix)) }
      let reopened = try JournalWriter(path: copy.journal)
      #expect(reopened.openReport.outcome == .opened)
      #expect(reopened.newestID == id && reopened.messageCount == Int64(number) && reopened.uuid == writer.uuid)
    }
  }

  @Test("a log that ends in the middle of a commit opens without it, and its id may be skipped but is never reused")
  func tornCommit() throws {
    let folder = TemporaryFolder()
    let writer = try JournalWriter(path: folder.journal)
    for number in 1...5 { try writer.append(SegmentBuilder([.report(number)]), clock: .at(0)) }
    let before = readFile(folder.journal + "-wal").count
    var generator = SeededGenerator(seed: 1)
    try writer.append(SegmentBuilder((0..<50).map { _ in Message.random(using: &generator) }), clock: .at(0))
    let file = readFile(folder.journal)
    let log = readFile(folder.journal + "-wal")
    #expect(log.count > before + 4 * 1048)
    for end in stride(from: before + 1, to: log.count, by: 777) {
      let copy = TemporaryFolder()
      writeFile(copy.journal, file)
      writeFile(copy.journal + "-wal", Array(log[..<end]))
      let reopened = try JournalWriter(path: copy.journal)
      #expect(reopened.openReport.outcome == .opened)
      let segments = try JournalReader(path: copy.journal).all()
      #expect(segments.keys.sorted() == [1, 2, 3, 4, 5])
      let whole = (end - 32) / 1048 > (before - 32) / 1048
      let id = try reopened.append(SegmentBuilder(), clock: .at(1))
      #expect(whole ? id > 6 : id == 6)
    }
  }

  @Test("commits behind damage in the log are put back, and the gap is told")
  func damagedMiddle() throws {
    let folder = TemporaryFolder()
    let writer = try JournalWriter(path: folder.journal)
    var ends: [Int] = []
    for number in 1...20 {
      try writer.append(SegmentBuilder([.report(number)]), clock: .at(Int64(number)))
      ends.append(readFile(folder.journal + "-wal").count)
    }
    var log = readFile(folder.journal + "-wal")
    // In the header of the first frame of segment 11: SQLite believes ten.
    log[ends[9] + 16] ^= 0xff
    let copy = TemporaryFolder()
    writeFile(copy.journal, readFile(folder.journal))
    writeFile(copy.journal + "-wal", log)
    let reopened = try JournalWriter(path: copy.journal)
    #expect(reopened.openReport.outcome == .repaired)
    #expect(reopened.openReport.salvagedSegments == 10)
    let segments = try JournalReader(path: copy.journal).all()
    #expect(segments.keys.sorted() == Array(1...20))
    #expect(reopened.messageCount == 20)
    #expect(reopened.newestID >= 20)
  }
}
