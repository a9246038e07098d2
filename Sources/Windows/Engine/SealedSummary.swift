import Telemetry

/// One window of a device or a group, computed.
public struct SealedSummary {
  /// The device; for a group, the group as a device of a registry of its own.
  public let device: Device
  public let isGroup: Bool
  public let start: Timestamp
  public let end: Timestamp
  public let content: WindowContent
  /// What the next window must know.
  public let carries: Carries
  /// When the device was last heard before the window.
  let heardBefore: Timestamp?
  /// The same up to the window's end; `nil` where there never was anything.
  public let lastHeard: Timestamp?
  public let quality: TimeQuality
  /// `false` where nobody would miss it: the device was not known then, or had been silent for too long.
  public let hasRecord: Bool
  public let retired: Bool
  /// Whether the window itself had messages or states.
  public let hasEntries: Bool
  /// The record but for its type and its revision; empty where there is none.
  let body: [UInt8]

  /// - Parameters:
  ///   - silence: the quality that a window without readings has.
  ///   - mayBeSilent: whether time has passed this window for everybody.
  init(
    device: Device, start: Timestamp, end: Timestamp, content: WindowContent, carries: Carries, hasEntries: Bool,
    heardBefore: Timestamp?, silence: TimeQuality, retirement: Span, mayBeSilent: Bool
  ) {
    self.device = device
    isGroup = false
    self.start = start
    self.end = end
    var content = content
    (content.heardBefore, content.isBegun) = (heardBefore, true)
    self.content = content
    self.carries = carries
    self.hasEntries = hasEntries
    self.heardBefore = heardBefore
    // Messages that nobody understands don't make a device known: its first reading does.
    let isStranger = heardBefore == nil && content.received == 0
    let last = isStranger ? nil : [heardBefore, content.lastHeard].compactMap(\.self).max()
    lastHeard = last
    let isKnown = last.map { start - $0 < retirement } ?? false
    hasRecord = !isStranger && (content.isHeard || mayBeSilent && isKnown)
    retired = last.map { end - $0 >= retirement } ?? true
    quality = content.received > 0 ? content.quality : silence
    body =
      hasRecord
      ? SummaryRecord(
        device: device, isGroup: false, start: start, end: end, content: content, heardBefore: heardBefore,
        quality: quality, retired: retired
      ).body : []
  }

  /// Of a group.
  init(group: Device, start: Timestamp, end: Timestamp, content: WindowContent, silence: TimeQuality) {
    device = group
    isGroup = true
    self.start = start
    self.end = end
    self.content = content
    carries = [:]
    hasEntries = true
    heardBefore = nil
    lastHeard = nil
    hasRecord = content.members > 0
    retired = false
    quality = content.received > 0 ? content.quality : silence
    body =
      hasRecord
      ? SummaryRecord(
        device: group, isGroup: true, start: start, end: end, content: content, heardBefore: nil, quality: quality,
        retired: false
      ).body : []
  }

  /// Whether the device has a record for the next window, come what may.
  public var isActive: Bool { hasRecord && !retired }

  /// The record's JSON without `seq`; `nil` where there is none.
  public func json(revision: Int) -> [UInt8]? { hasRecord ? SummaryRecord.json(revision, body) : nil }

  /// What is sent where there was a record, and is none any more.
  public func void(revision: Int) -> [UInt8] {
    SummaryRecord.json(
      revision, SummaryRecord.void(device: device, isGroup: isGroup, start: start, end: end, quality: quality))
  }

  /// Equal for equal content, whatever the revision; of no record, 0.
  public var digest: Int64 { hasRecord ? SealedSummary.digest(body) : 0 }

  /// 64-bit FNV-1a.
  private static func digest(_ body: some Sequence<UInt8>) -> Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in body {
      hash ^= UInt64(byte)
      hash &*= 0x100_0000_01b3
    }
    return Int64(bitPattern: hash)
  }

  /// The digest of a record as it is sent, with its number and revision before what is digested; `nil` where it is none.
  public static func digest(ofRecord json: [UInt8]) -> Int64? {
    let marker = Array("\"revision\":".utf8)
    let head = json.prefix(SealedSummary.longestHead)
    guard let at = head.indices.first(where: { json[$0...].starts(with: marker) }),
      let comma = json[at...].firstIndex(of: UInt8(ascii: ","))
    else { return nil }
    return digest(json[(comma + 1)...])
  }

  /// `{"seq":…,"type":"summary","revision":`, with room for the longest number.
  private static let longestHead = 64
}
