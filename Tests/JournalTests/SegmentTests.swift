import Telemetry
import Testing

@testable import Journal

@Suite("Segments")
struct SegmentTests {
  private func frame(_ messages: [Message], id: Int64 = 7, clock: ClockReading = .at(0)) throws -> [UInt8] {
    try SegmentEncoder().encode(SegmentBuilder(messages), journal: "j", id: id, clock: clock) { Array($0) }
  }

  private func decode(_ frame: [UInt8]) throws -> Segment {
    let decoder = try SegmentDecoder()
    return try frame.withUnsafeBytes { try decoder.decode($0) }
  }

  @Test("any batch comes back as it went in, with its clocks", arguments: 1...40)
  func roundTrip(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let messages = (0..<Int.random(in: 0...200, using: &generator)).map { _ in Message.random(using: &generator) }
    let clock = ClockReading(
      wall: Timestamp(nanoseconds: .random(in: .min ... .max, using: &generator)), boot: "boot \(seed)",
      sinceBoot: Span(nanoseconds: .random(in: 0 ... .max, using: &generator)), synchronised: seed % 2 == 0)
    let segment = try decode(try frame(messages, id: Int64(seed), clock: clock))
    #expect(segment.messages == messages)
    #expect(segment.count == messages.count)
    #expect(segment.clock == clock)
    #expect(segment.id == Int64(seed))
  }

  @Test("times of receipt are kept in whole milliseconds, rounded down")
  func milliseconds() throws {
    var message = Message.report(1)
    message.receivedAt = Timestamp(nanoseconds: -1_500_001)
    #expect(try decode(try frame([message])).messages.first?.receivedAt == Timestamp(milliseconds: -2))
  }

  @Test("a builder that was emptied builds as a new one does, and counts as one")
  func reuse() throws {
    var generator = SeededGenerator(seed: 3)
    var used = SegmentBuilder((0..<500).map { _ in Message.random(using: &generator) })
    used.removeAll()
    #expect(used.isEmpty && used.count == 0 && used.byteCount == 0)
    let messages = (0..<50).map { _ in Message.random(using: &generator) }
    for message in messages { used.append(message) }
    var fromUsed: [UInt8] = []
    var fromNew: [UInt8] = []
    used.write(journal: "j", id: 1, clock: .at(0), to: &fromUsed)
    SegmentBuilder(messages).write(journal: "j", id: 1, clock: .at(0), to: &fromNew)
    #expect(fromUsed == fromNew)
    #expect(used.byteCount < fromUsed.count)
  }

  @Test("a topic stands once in a segment, however often it is used")
  func dictionary() {
    var generator = SeededGenerator(seed: 4)
    let names = (0..<3000).map { "topic/\($0)" }
    var table = TopicTable()
    for name in names { _ = Array(name.utf8).withUnsafeBytes { table.number(of: $0) } }
    for _ in 0..<3000 {
      let number = Int.random(in: 0..<names.count, using: &generator)
      #expect(Array(names[number].utf8).withUnsafeBytes { table.number(of: $0) } == number)
    }
    #expect(table.count == names.count)
  }

  @Test("every changed bit of a frame is found, or stands for nothing")
  func everyBit() throws {
    let messages = [Message.report(1), .report(2), .report(3)]
    let whole = try frame(messages)
    var unnoticed = 0
    for index in whole.indices {
      for bit in 0..<8 {
        var damaged = whole
        damaged[index] ^= 1 << bit
        guard let segment = try? decode(damaged) else { continue }
        unnoticed += 1
        #expect(segment.messages == messages && segment.clock == .at(0), "byte \(index), bit \(bit)")
      }
    }
    // zstd reserves two bits of a block and does not look at them.
    #expect(unnoticed <= 2)
  }

  @Test("a frame that ends early, or goes on, is found")
  func everyLength() throws {
    let whole = try frame([.report(1), .report(2)])
    for length in whole.indices {
      #expect(throws: SegmentDamage.self) { try decode(Array(whole[..<length])) }
    }
    #expect(throws: SegmentDamage.self) { try decode(whole + [0]) }
    #expect(throws: SegmentDamage.self) { try decode(whole + whole) }
  }

  @Test("content that was made up, its checksum right, is refused or read, and never crashes", arguments: 1...20)
  func hostileContent(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var content: [UInt8] = []
    SegmentBuilder((0..<20).map { _ in Message.random(using: &generator) })
      .write(journal: "j", id: 1, clock: .at(0), to: &content)
    var refused = 0
    for _ in 0..<2000 {
      var changed = content
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        // Most often where the structure is.
        let end = Bool.random(using: &generator) ? 100 : changed.count
        changed[Int.random(in: 0..<end, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      if Bool.random(using: &generator) { changed.removeLast(Int.random(in: 0..<changed.count, using: &generator)) }
      guard let segment = try? Segment(content: changed) else {
        refused += 1
        continue
      }
      #expect(segment.messages.count == segment.count)
    }
    #expect(refused > 0)
  }

  @Test("a frame that claims more than 64 MiB is not unpacked")
  func bomb() throws {
    // A frame header with an eight-byte content size, as zstd writes it for large content.
    let claim = UInt64(Segment.maximumByteCount + 1)
    let header: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0b1110_0100]
    let size = withUnsafeBytes(of: claim.littleEndian) { Array($0) }
    let error = #expect(throws: SegmentDamage.self) { try decode(header + size + [UInt8](repeating: 0, count: 40)) }
    #expect(error?.reason.contains("claims") == true)
  }

  @Test("a batch above 64 MiB is refused before it is written")
  func tooLarge() throws {
    var message = Message.report(1)
    message.payload = [UInt8](repeating: 1, count: 33 << 20)
    let folder = TemporaryFolder()
    let writer = try JournalWriter(path: folder.journal)
    let batch = SegmentBuilder([message, message])
    let error = #expect(throws: JournalError.self) { try writer.append(batch, clock: .at(0)) }
    #expect(error?.kind == .tooLarge)
    #expect(!writer.mustReopen)
    #expect(try writer.append(SegmentBuilder([.report(1)]), clock: .at(1)) == 1)
  }
}
