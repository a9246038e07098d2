import Telemetry

/// How a segment is written.
///
/// A segment is one zstd frame with its content's size and checksum. The content, with lengths and counts as varints
/// and fixed numbers of eight bytes, the lowest first:
///
///     version    1 byte, 1
///     journal    length, the UUID of the journal that it was written into
///     id         8 bytes
///     wall       8 bytes, nanoseconds since the epoch
///     boot       length, the boot's id
///     sinceBoot  8 bytes, nanoseconds
///     flags      1 byte; 1: the wall clock was synchronised
///     base       8 bytes, the first message's time of receipt in milliseconds since the epoch
///     count      of messages
///     topics     count of topics
///     lengths    of the seven sections, in bytes
///     sections   topic texts: length and bytes each
///                topic:     per message, the number of its topic text
///                packet:    per message, packet id less the one before, zigzag
///                flags:     per message one byte: QoS in the lowest two bits, 4 where retained
///                time:      per message, milliseconds since the one before, zigzag
///                length:    per message, the payload's
///                payloads:  one after the other
///
/// Columns rather than records, because what repeats then stands together and costs next to nothing compressed.
/// Journal and id stand inside so that a segment found anywhere, in a damaged file or a stale log, tells where it
/// belongs.
enum SegmentFormat {
  static let version: UInt8 = 1
  static let sections = 7

  /// Level 3 is zstd's own default; higher ones cost a multiple in time for a few per cent.
  static let compressionLevel: Int32 = 3

  static let synchronisedFlag: UInt8 = 1
  static let retainedFlag: UInt8 = 4
  static let qosMask: UInt8 = 3

  /// A boot's id has 36 characters.
  static let maximumBootLength = 255
}

/// What stands at the head of a segment, beside its messages.
struct SegmentHeader: Equatable {
  var journal: String
  var id: Int64
  var clock: ClockReading
  var base: Int64
  var count: Int
  var topicCount: Int

  func append(sectionLengths: [Int], to out: inout [UInt8]) {
    out.append(SegmentFormat.version)
    SegmentHeader.append(text: journal, to: &out)
    SegmentHeader.append(id, to: &out)
    SegmentHeader.append(clock.wall.nanoseconds, to: &out)
    SegmentHeader.append(text: clock.boot, to: &out)
    SegmentHeader.append(clock.sinceBoot.nanoseconds, to: &out)
    out.append(clock.synchronised ? SegmentFormat.synchronisedFlag : 0)
    SegmentHeader.append(base, to: &out)
    Varint.append(UInt64(count), to: &out)
    Varint.append(UInt64(topicCount), to: &out)
    for length in sectionLengths { Varint.append(UInt64(length), to: &out) }
  }

  /// Leaves `reader` at the first section's length.
  init(_ reader: inout ByteReader) throws(SegmentDamage) {
    guard let version = reader.byte() else { throw SegmentDamage("it is empty") }
    guard version == SegmentFormat.version else { throw SegmentDamage("its format \(version) is unknown") }
    guard let journal = SegmentHeader.text(&reader), let id = reader.integer(), let wall = reader.integer(),
      let boot = SegmentHeader.text(&reader), let sinceBoot = reader.integer(), let flags = reader.byte(),
      let base = reader.integer(), let count = reader.count(upTo: Segment.maximumCount),
      let topicCount = reader.count(upTo: count)
    else { throw SegmentDamage("its header ends early or is out of range") }
    self.journal = journal
    self.id = id
    clock = ClockReading(
      wall: Timestamp(nanoseconds: wall), boot: boot, sinceBoot: Span(nanoseconds: sinceBoot),
      synchronised: flags & SegmentFormat.synchronisedFlag != 0)
    self.base = base
    self.count = count
    self.topicCount = topicCount
  }

  init(journal: String, id: Int64, clock: ClockReading, base: Int64, count: Int, topicCount: Int) {
    self.journal = journal
    self.id = id
    self.clock = clock
    self.base = base
    self.count = count
    self.topicCount = topicCount
  }

  private static func append(_ value: Int64, to out: inout [UInt8]) {
    withUnsafeBytes(of: value.littleEndian) { out.append(contentsOf: $0) }
  }

  private static func append(text: String, to out: inout [UInt8]) {
    let utf8 = text.utf8.prefix(SegmentFormat.maximumBootLength)
    Varint.append(UInt64(utf8.count), to: &out)
    out.append(contentsOf: utf8)
  }

  private static func text(_ reader: inout ByteReader) -> String? {
    guard let length = reader.count(upTo: SegmentFormat.maximumBootLength), let bytes = reader.take(length) else {
      return nil
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Why a segment can't be read.
struct SegmentDamage: Error, Equatable {
  let reason: String
  init(_ reason: String) { self.reason = reason }
}
