import Telemetry

/// One device's window, computed.
public struct SealedSummary {
  public let device: Device
  public let start: Timestamp
  /// The record, as a function of the revision; `nil` where a window holds only a retained state of a device that was
  /// never heard.
  let record: SummaryRecord?
  /// What the next window must know.
  public let carries: Carries
  /// The latest reading up to the window's end; `nil` where there never was one.
  public let lastReading: Timestamp?
  /// Whether the window itself had readings or states.
  public let hasEntries: Bool
  public let quality: TimeQuality
  public let retired: Bool
  /// Whether the device had a record for the window before and was not retired by it.
  public let wasActive: Bool

  /// Whether the device has a record for the next window, come what may.
  public var isActive: Bool { hasRecord && !retired }

  public var hasRecord: Bool { record != nil }

  /// The record's JSON without `seq`; `nil` where there is none.
  public func json(revision: Int) -> [UInt8]? { record?.json(revision: revision) }

  /// Equal for equal content, whatever the revision: 64-bit FNV-1a over the record as revision 0.
  public var digest: Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in record?.json(revision: 0) ?? [] {
      hash ^= UInt64(byte)
      hash &*= 0x100_0000_01b3
    }
    return Int64(bitPattern: hash)
  }
}
