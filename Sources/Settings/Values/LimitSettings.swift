import Telemetry

/// `[limits]`: what one message may ask for, and how much is remembered of all.
public struct LimitSettings: Sendable, Hashable {
  /// Larger payloads are refused unread.
  public var payload: ByteSize
  /// Objects and arrays inside one another.
  public var nesting: Int
  /// Values of one payload.
  public var fields: Int
  /// Topics whose meaning is remembered; when there are more, all are forgotten and found again.
  public var topics: Int
  /// Readings of more devices, or of more series, are refused.
  public var devices: Int
  public var series: Int

  public init(
    payload: ByteSize = ByteSize(bytes: 256 << 10), nesting: Int = 32, fields: Int = 4096, topics: Int = 200_000,
    devices: Int = 100_000, series: Int = 2_000_000
  ) {
    self.payload = payload
    self.nesting = nesting
    self.fields = fields
    self.topics = topics
    self.devices = devices
    self.series = series
  }
}
