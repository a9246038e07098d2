import Journal
import Telemetry
import Testing

@Suite("The journal against an array")
struct ModelTests {
  private struct Row: Equatable {
    var id: Int64
    var wall: Timestamp
    var messages: [Message]
  }

  @Test("appends, trims and reopenings leave what an array would hold", arguments: 1...12)
  func model(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let folder = TemporaryFolder()
    var options = JournalWriter.Options()
    options.checkpointPages = 32
    var writer: JournalWriter? = try JournalWriter(path: folder.journal, options: options)
    let uuid = try #require(writer?.uuid)
    var model: [Row] = []
    var newest: Int64 = 0
    var clock: Int64 = 0
    for _ in 0..<120 {
      switch Int.random(in: 0..<10, using: &generator) {
      case 0..<6:
        let messages = (0..<Int.random(in: 0...12, using: &generator)).map { _ in Message.random(using: &generator) }
        // Now and then the clock is set back.
        clock += Int.random(in: 0..<15, using: &generator) == 0 ? -500 : Int64.random(in: 0...20, using: &generator)
        let reading = ClockReading.at(clock)
        let id = try writer?.append(SegmentBuilder(messages), clock: reading)
        #expect(id == newest + 1)
        newest += 1
        model.append(Row(id: newest, wall: reading.wall, messages: messages))
      case 6..<8:
        let before = Int64.random(in: 0...newest + 3, using: &generator)
        let olderThan = Bool.random(using: &generator) ? ClockReading.at(clock - 50).wall : nil
        let limit = Int.random(in: 0...5, using: &generator)
        let went = model.prefix(limit).prefix { row in
          row.id < before && row.id != newest && olderThan.map { row.wall < $0 } ?? true
        }
        #expect(try writer?.trim(before: before, olderThan: olderThan, limit: limit) == went.count)
        model.removeFirst(went.count)
      case 8:
        writer = nil
        writer = try JournalWriter(path: folder.journal, options: options)
        #expect(writer?.openReport.outcome == .opened)
      default:
        let reader = try JournalReader(path: folder.journal)
        let time = ClockReading.at(clock + Int64.random(in: -300...100, using: &generator)).wall
        let expected = model.first { $0.wall >= time }?.id ?? newest + 1
        #expect(try reader.firstID(receivedAtOrAfter: time) == expected)
      }
      #expect(writer?.newestID == newest)
      #expect(writer?.oldestID == model.first?.id ?? newest + 1)
      #expect(writer?.messageCount == Int64(model.reduce(0) { $0 + $1.messages.count }))
    }
    let reader = try JournalReader(path: folder.journal)
    #expect(reader.uuid == uuid && writer?.uuid == uuid)
    #expect(try reader.all() == Dictionary(uniqueKeysWithValues: model.map { ($0.id, Optional($0.messages)) }))
    #expect(reader.newestID == newest)
  }

  @Test("ids are not used again after everything but the newest was trimmed and the journal reopened")
  func idsAreNotReused() throws {
    let folder = TemporaryFolder()
    for round in 0..<5 {
      let writer = try JournalWriter(path: folder.journal)
      #expect(writer.newestID == Int64(round * 4))
      for _ in 0..<4 { try writer.append(SegmentBuilder([.report(round)]), clock: .at(0)) }
      try writer.trim(before: .max, olderThan: nil, limit: 100)
      #expect(writer.oldestID == writer.newestID)
      #expect(writer.messageCount == 1)
    }
  }

  @Test("a floor that was raised holds after reopening")
  func floor() throws {
    let folder = TemporaryFolder()
    try JournalWriter(path: folder.journal).raiseFloor(to: 900)
    let writer = try JournalWriter(path: folder.journal)
    #expect(writer.newestID == 900 && writer.oldestID == 901)
    try writer.raiseFloor(to: 5)
    #expect(try writer.append(SegmentBuilder(), clock: .at(0)) == 901)
    try writer.raiseFloor(to: 950)
    #expect(writer.newestID == 901)
    try writer.trim(before: .max, olderThan: nil, limit: 10)
    #expect(writer.oldestID == 901)
    #expect(try writer.append(SegmentBuilder(), clock: .at(0)) == 951)
  }

  @Test("a trim that takes part in an append leaves the new segment")
  func trimWithAppend() throws {
    let folder = TemporaryFolder()
    let writer = try JournalWriter(path: folder.journal)
    for number in 1...5 { try writer.append(SegmentBuilder([.report(number)]), clock: .at(0)) }
    try writer.append(SegmentBuilder([.report(6)]), clock: .at(1), trim: TrimRule(before: .max, limit: 100))
    #expect(writer.oldestID == 6 && writer.newestID == 6 && writer.messageCount == 1)
  }

  @Test("what a trim frees is used again: the file does not grow")
  func reuse() throws {
    let folder = TemporaryFolder()
    var options = JournalWriter.Options()
    options.checkpointPages = 64
    let writer = try JournalWriter(path: folder.journal, options: options)
    var generator = SeededGenerator(seed: 9)
    func round() throws {
      for _ in 0..<50 {
        let batch = SegmentBuilder((0..<20).map { _ in Message.random(using: &generator) })
        try writer.append(batch, clock: .at(0), trim: TrimRule(before: writer.newestID - 20, limit: 4))
      }
    }
    try round()
    let first = writer.bytesInUse
    for _ in 0..<6 { try round() }
    #expect(writer.bytesInUse < first * 2)
  }
}
