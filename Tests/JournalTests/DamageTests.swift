import Telemetry
import Testing

@testable import Journal

@Suite("Flipped bits")
struct DamageTests {
  private static let segments = 150

  /// A journal in mid-life, as a copy taken while its writer lives: part of it in the file, part in the log only.
  private static let snapshot: (file: [UInt8], log: [UInt8], uuid: String, messages: [Int64: [Message]]) = {
    let folder = TemporaryFolder()
    var options = JournalWriter.Options()
    options.checkpointPages = 120
    var messages: [Int64: [Message]] = [:]
    guard let writer = try? JournalWriter(path: folder.journal, options: options) else { return ([], [], "", [:]) }
    for number in 1...segments {
      let batch = (0..<number % 23).map { Message.report(number * 100 + $0) }
      if let id = try? writer.append(SegmentBuilder(batch), clock: .at(Int64(number))) { messages[id] = batch }
    }
    return (readFile(folder.journal), readFile(folder.journal + "-wal"), writer.uuid, messages)
  }()

  /// Opens the damaged files, and returns what a reader finds.
  private func open(
    file: [UInt8], log: [UInt8], _ comment: Comment
  ) throws -> (report: OpenReport, uuid: String, found: [Int64: [Message]]) {
    let folder = TemporaryFolder()
    writeFile(folder.journal, file)
    writeFile(folder.journal + "-wal", log)
    let writer = try JournalWriter(path: folder.journal)
    let id = try writer.append(SegmentBuilder([.report(1)]), clock: .at(9999))
    #expect(id > Int64(Self.segments), comment)
    var found: [Int64: [Message]] = [:]
    for (key, value) in try JournalReader(path: folder.journal).all() where key <= Int64(Self.segments) {
      if let value { found[key] = value }
    }
    return (writer.openReport, writer.uuid, found)
  }

  @Test("without damage, all is there")
  func control() throws {
    let whole = Self.snapshot
    let (report, uuid, found) = try open(file: whole.file, log: whole.log, "whole")
    #expect(report.outcome == .opened && uuid == whole.uuid && found == whole.messages)
    // The log must matter, or the tests beside this one prove less than they say.
    let folder = TemporaryFolder()
    writeFile(folder.journal, whole.file)
    #expect(try JournalWriter(path: folder.journal).newestID < Int64(Self.segments))
  }

  @Test("a flipped bit in the file costs at most the segments of one page", arguments: 0..<100)
  func file(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let whole = Self.snapshot
    var file = whole.file
    // Every other one in the first pages, where header, schema and tree are.
    let end = seed % 2 == 0 ? file.count : 3 * 1024
    let index = Int.random(in: 0..<end, using: &generator)
    let bit = Int.random(in: 0..<8, using: &generator)
    file[index] ^= 1 << bit
    let comment: Comment = "byte \(index), bit \(bit)"
    let (report, uuid, found) = try open(file: file, log: whole.log, comment)
    #expect(uuid == whole.uuid, comment)
    for (id, messages) in found { #expect(messages == whole.messages[id], comment) }
    let lost = whole.messages.count - found.count
    #expect(lost <= (index < 1024 ? 0 : 8), "\(comment.rawValue) lost \(lost) \(report)")
  }

  @Test("a flipped bit in the log costs at most one segment", arguments: 0..<100)
  func log(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed &+ 1000)
    let whole = Self.snapshot
    var log = whole.log
    let end = seed % 5 == 0 ? 32 : log.count
    let index = Int.random(in: 0..<end, using: &generator)
    let bit = Int.random(in: 0..<8, using: &generator)
    log[index] ^= 1 << bit
    let comment: Comment = "byte \(index), bit \(bit)"
    let (report, uuid, found) = try open(file: whole.file, log: log, comment)
    #expect(uuid == whole.uuid, comment)
    for (id, messages) in found { #expect(messages == whole.messages[id], comment) }
    let lost = whole.messages.count - found.count
    #expect(lost <= 1, "\(comment.rawValue) lost \(lost) \(report)")
  }

  @Test("a page of zeros or noise anywhere is survived", arguments: 0..<40)
  func pages(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed &+ 5000)
    let whole = Self.snapshot
    var file = whole.file
    let page = Int.random(in: 0..<file.count / 1024, using: &generator)
    for index in page * 1024..<(page + 1) * 1024 {
      file[index] = seed % 2 == 0 ? 0 : .random(in: 0...255, using: &generator)
    }
    let comment: Comment = "page \(page + 1)"
    let (report, uuid, found) = try open(file: file, log: whole.log, comment)
    #expect(uuid == whole.uuid, comment)
    for (id, messages) in found { #expect(messages == whole.messages[id], comment) }
    #expect(whole.messages.count - found.count <= 8, "\(comment.rawValue) \(report)")
  }

  @Test("files that end anywhere are survived", arguments: 0..<30)
  func truncated(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed &+ 7000)
    let whole = Self.snapshot
    var file = whole.file
    var log = whole.log
    if seed % 2 == 0 {
      file.removeLast(Int.random(in: 1...file.count, using: &generator))
    } else {
      log.removeLast(Int.random(in: 1...log.count, using: &generator))
    }
    let folder = TemporaryFolder()
    writeFile(folder.journal, file)
    writeFile(folder.journal + "-wal", log)
    let writer = try JournalWriter(path: folder.journal)
    try writer.append(SegmentBuilder([.report(1)]), clock: .at(9999))
    for (id, messages) in try JournalReader(path: folder.journal).all() where id < writer.newestID {
      #expect(messages == nil || messages == whole.messages[id])
    }
  }

  @Test("a page that forgets where its last pages are is seen by the messages that are missing, and nothing is lost")
  func forgottenPages() throws {
    let folder = TemporaryFolder()
    do {
      let writer = try JournalWriter(path: folder.journal)
      for number in 1...100 { try writer.append(SegmentBuilder([.report(number)]), clock: .at(Int64(number))) }
    }
    var file = readFile(folder.journal)
    let inner = try #require(
      stride(from: 1024, to: file.count, by: 1024).first { file[$0] == 5 && file[$0 + 4] > 10 },
      "a page that leads to others")
    file[inner + 4] -= 4
    writeFile(folder.journal, file)
    do {
      let passed = try JournalWriter(path: folder.journal)
      #expect(passed.openReport.outcome == .opened, "after an orderly stop it is not looked through")
      let reader = try JournalReader.owner(path: folder.journal)
      let error = #expect(throws: JournalError.self) { try reader.all() }
      #expect(error?.kind == .damaged && reader.metDamagedPage)
    }
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.openReport.outcome == .salvaged)
    #expect(try JournalReader(path: folder.journal).all().count == 100)
  }

  @Test("a row that bears another's place keeps nothing from being read: its neighbours are missed from behind")
  func misplacedRow() throws {
    let folder = TemporaryFolder()
    do {
      let writer = try JournalWriter(path: folder.journal)
      for number in 1...22 { try writer.append(SegmentBuilder([.report(number)]), clock: .at(Int64(number))) }
    }
    var file = readFile(folder.journal)
    let rowID = try #require(offset(ofRow: 16, in: file))
    // 80: a search for the rows up to 22 that come after 15 ends there.
    file[rowID] |= 0x40
    writeFile(folder.journal, file)
    do {
      let writer = try JournalWriter(path: folder.journal)
      try #require(writer.openReport.outcome == .opened)
      let reader = try JournalReader.owner(path: folder.journal)
      let error = #expect(throws: JournalError.self) {
        var cursor: Int64 = 0
        while let last = try reader.segments(after: cursor, through: 22).last { cursor = last.id }
      }
      #expect(error?.kind == .damaged && reader.metDamagedPage)
    }
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.openReport.outcome == .salvaged)
    #expect(try JournalReader(path: folder.journal).all().count == 22)
  }

  /// Where a row's id of one byte stands, by the form of a table's leaf.
  private func offset(ofRow id: UInt8, in file: [UInt8]) -> Int? {
    for page in stride(from: 1024, to: file.count, by: 1024) where file[page] == 13 {
      for cell in 0..<Int(file[page + 4]) {
        let pointer = page + 8 + 2 * cell
        var at = page + (Int(file[pointer]) << 8 | Int(file[pointer + 1]))
        // The payload's length comes first; a segment's is more than a byte can tell.
        guard file[at] >= 0x80 else { continue }
        while file[at] >= 0x80 { at += 1 }
        if file[at + 1] == id { return at + 1 }
      }
    }
    return nil
  }

  @Test("committed transactions behind damage in the log are told even where none can be put back")
  func hiddenTransactions() throws {
    let folder = TemporaryFolder()
    let writer = try JournalWriter(path: folder.journal)
    // Of more than a page each, so that a transaction has more than one frame.
    let noise = (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
    for number in 1...20 {
      var message = Message.report(number)
      message.payload = noise + [UInt8(number)]
      try writer.append(SegmentBuilder([message]), clock: .at(Int64(number)))
    }
    let (file, log) = (readFile(folder.journal), readFile(folder.journal + "-wal"))
    let image = try #require(LogImage(bytes: log, fallbackPageSize: 1024))
    let commits = (0..<image.believed).filter { image.frames[$0].commits }
    let last = try #require(commits.dropLast().last, "the last but one")
    // The pages' contents, and with them what makes a segment, of that transaction and the last.
    for lost in [commits[commits.count - 3] + 1, last + 1] {
      var damaged = log
      for frame in lost..<image.believed {
        for at in image.frames[frame].offset..<image.frames[frame].offset + 1024 { damaged[at] = 0 }
      }
      let copy = TemporaryFolder()
      writeFile(copy.journal, file)
      writeFile(copy.journal + "-wal", damaged)
      let opened = try JournalWriter(path: copy.journal)
      // One transaction less is what a power cut leaves.
      #expect(opened.openReport.outcome == (lost == last + 1 ? .opened : .repaired))
      #expect(opened.newestID >= (lost == last + 1 ? 19 : 18))
      let id = try opened.append(SegmentBuilder([.report(1)]), clock: .at(9999))
      #expect(id > 20, "ids that may have been given are not given again")
    }
  }
}
