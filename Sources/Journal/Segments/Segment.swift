import Telemetry

/// The messages of one commit, read back whole: its checksum was right and its structure is sound.
public struct Segment: Sendable {
  /// Largest content, decompressed. What claims to be larger is damaged or hostile, and is never unpacked.
  public static let maximumByteCount = 64 << 20
  /// Most messages in one segment; far more than `commit_messages` ever asks for.
  public static let maximumCount = 1 << 20

  public let id: Int64
  /// The clocks when it was committed.
  public let clock: ClockReading
  public let count: Int

  let journal: String
  private let content: [UInt8]
  private let base: Int64
  /// Where each topic's bytes lie in `content`.
  private let topics: [Range<Int>]
  private let columns: Columns

  /// Where the sections start in `content`.
  private struct Columns {
    var topic: Range<Int>
    var packet: Range<Int>
    var flags: Range<Int>
    var time: Range<Int>
    var length: Range<Int>
    var payload: Range<Int>
  }

  /// Bytes that it takes in memory, about.
  public var byteCount: Int { content.count }

  init(content: [UInt8]) throws(SegmentDamage) {
    let layout = try content.withUnsafeBytes { bytes in
      Result { () throws(SegmentDamage) in try Segment.layout(of: bytes) }
    }.get()
    self.content = content
    journal = layout.header.journal
    id = layout.header.id
    clock = layout.header.clock
    count = layout.header.count
    base = layout.header.base
    topics = layout.topics
    columns = layout.columns
    try check()
  }

  /// Calls `body` with each message, in the order of their arrival.
  public func forEach(_ body: (StoredMessage) throws -> Void) rethrows {
    try content.withUnsafeBytes { bytes in
      var walk = Walk(self, bytes)
      // The walk went through once already, in `init`: it ends early only where that one threw.
      while let message = walk.next() { try body(message) }
    }
  }

  private static func layout(
    of bytes: UnsafeRawBufferPointer
  ) throws(SegmentDamage) -> (header: SegmentHeader, topics: [Range<Int>], columns: Columns) {
    var reader = ByteReader(bytes)
    let header = try SegmentHeader(&reader)
    var lengths: [Int] = []
    for _ in 0..<SegmentFormat.sections {
      guard let length = reader.count(upTo: bytes.count) else { throw SegmentDamage("its sections have no lengths") }
      lengths.append(length)
    }
    guard lengths.reduce(0, +) == reader.remaining else {
      throw SegmentDamage("its sections do not fill it")
    }
    var start = reader.offset
    let ranges = lengths.map { length in
      defer { start += length }
      return start..<start + length
    }
    var topics: [Range<Int>] = []
    topics.reserveCapacity(header.topicCount)
    var texts = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[ranges[0]]))
    for _ in 0..<header.topicCount {
      guard let length = texts.count(upTo: ranges[0].count) else { throw SegmentDamage("a topic has no length") }
      let start = ranges[0].lowerBound + texts.offset
      guard texts.take(length) != nil else { throw SegmentDamage("a topic ends early") }
      topics.append(start..<start + length)
    }
    guard texts.remaining == 0 else { throw SegmentDamage("there is more than its topics") }
    return (
      header, topics,
      Columns(
        topic: ranges[1], packet: ranges[2], flags: ranges[3], time: ranges[4], length: ranges[5], payload: ranges[6])
    )
  }

  private func check() throws(SegmentDamage) {
    let (read, whole) = content.withUnsafeBytes { bytes in
      var walk = Walk(self, bytes)
      var read = 0
      while walk.next() != nil { read += 1 }
      return (read, walk.isAtEnd)
    }
    guard read == count, whole else { throw SegmentDamage("message \(read + 1) of \(count) is malformed") }
  }

  /// One pass through the columns, side by side.
  private struct Walk {
    private let segment: Segment
    private let bytes: UnsafeRawBufferPointer
    private var topic: ByteReader
    private var packet: ByteReader
    private var flags: ByteReader
    private var time: ByteReader
    private var length: ByteReader
    private var payload: ByteReader
    private var left: Int
    private var lastPacketID: Int64 = 0
    private var lastTime: Int64

    init(_ segment: Segment, _ bytes: UnsafeRawBufferPointer) {
      func reader(_ range: Range<Int>) -> ByteReader { ByteReader(UnsafeRawBufferPointer(rebasing: bytes[range])) }
      self.segment = segment
      self.bytes = bytes
      topic = reader(segment.columns.topic)
      packet = reader(segment.columns.packet)
      flags = reader(segment.columns.flags)
      time = reader(segment.columns.time)
      length = reader(segment.columns.length)
      payload = reader(segment.columns.payload)
      left = segment.count
      lastTime = segment.base
    }

    var isAtEnd: Bool {
      topic.remaining == 0 && packet.remaining == 0 && flags.remaining == 0 && time.remaining == 0
        && length.remaining == 0 && payload.remaining == 0
    }

    /// `nil` after the last one, and where a column says the impossible.
    mutating func next() -> StoredMessage? {
      guard left > 0, let number = topic.count(upTo: segment.topics.count - 1), let step = packet.varint(),
        let flag = flags.byte(), let delay = time.varint(), let size = length.count(upTo: payload.remaining),
        let body = payload.take(size)
      else { return nil }
      let packetID = lastPacketID &+ Varint.unzigzag(step)
      guard let exact = UInt16(exactly: packetID) else { return nil }
      left -= 1
      lastPacketID = packetID
      lastTime = lastTime &+ Varint.unzigzag(delay)
      return StoredMessage(
        topic: UnsafeRawBufferPointer(rebasing: bytes[segment.topics[number]]), payload: body, packetID: exact,
        qos: flag & SegmentFormat.qosMask, retained: flag & SegmentFormat.retainedFlag != 0,
        receivedAt: Timestamp(milliseconds: lastTime))
    }
  }
}
