import Telemetry

/// Gathers the messages of one commit. Once warm, appending allocates nothing; `removeAll` keeps the memory.
///
/// Not emptied by a commit: after a failed one the caller still holds the messages and can try again.
public struct SegmentBuilder {
  private var topics = TopicTable()
  private var topicNumbers: [UInt8] = []
  private var packetIDs: [UInt8] = []
  private var flags: [UInt8] = []
  private var times: [UInt8] = []
  private var lengths: [UInt8] = []
  private var payloads: [UInt8] = []
  private var base: Int64 = 0
  private var lastTime: Int64 = 0
  private var lastPacketID: Int64 = 0

  public private(set) var count = 0

  public init() {}

  /// - Parameters:
  ///   - qos: 0, 1 or 2.
  ///   - receivedAt: Kept in whole milliseconds, rounded down.
  public mutating func append(
    topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, packetID: UInt16, qos: UInt8, retained: Bool,
    receivedAt: Timestamp
  ) {
    let time = receivedAt.milliseconds
    if count == 0 {
      base = time
      lastTime = time
    }
    Varint.append(UInt64(topics.number(of: topic)), to: &topicNumbers)
    Varint.append(Varint.zigzag(Int64(packetID) - lastPacketID), to: &packetIDs)
    flags.append(qos & SegmentFormat.qosMask | (retained ? SegmentFormat.retainedFlag : 0))
    Varint.append(Varint.zigzag(time - lastTime), to: &times)
    Varint.append(UInt64(payload.count), to: &lengths)
    payloads.append(contentsOf: payload)
    lastTime = time
    lastPacketID = Int64(packetID)
    count += 1
  }

  /// Bytes that the messages take before compression. A commit must stay below `Segment.maximumByteCount`.
  public var byteCount: Int {
    topics.bytes.count + topicNumbers.count + packetIDs.count + flags.count + times.count + lengths.count
      + payloads.count
  }

  public var isEmpty: Bool { count == 0 }

  public mutating func removeAll() {
    topics.removeAll()
    topicNumbers.removeAll(keepingCapacity: true)
    packetIDs.removeAll(keepingCapacity: true)
    flags.removeAll(keepingCapacity: true)
    times.removeAll(keepingCapacity: true)
    lengths.removeAll(keepingCapacity: true)
    payloads.removeAll(keepingCapacity: true)
    base = 0
    lastTime = 0
    lastPacketID = 0
    count = 0
  }

  /// The whole content of the segment, as `SegmentFormat` describes it.
  func write(journal: String, id: Int64, clock: ClockReading, to out: inout [UInt8]) {
    let header = SegmentHeader(
      journal: journal, id: id, clock: clock, base: base, count: count, topicCount: topics.count)
    let sections = [topics.bytes, topicNumbers, packetIDs, flags, times, lengths, payloads]
    header.append(sectionLengths: sections.map(\.count), to: &out)
    for section in sections { out.append(contentsOf: section) }
  }
}
