/// What one payload may ask for, and how much is remembered.
public struct DecodingLimits: Sendable, Hashable {
  /// What can be hit, as counters name it.
  public enum Kind: String, Sendable, CaseIterable {
    case payload, nesting, fields, topics, text, paths, devices, series
  }

  /// Larger payloads are refused unread. The largest real one, the statistics of a server with 200 cameras, is 60 KiB.
  public var payloadBytes: Int
  /// Objects and arrays inside one another; real payloads have 6 at most.
  public var nesting: Int
  /// Values of one payload.
  public var fields: Int
  /// Topics whose route is remembered; when there are more, all are forgotten and found again.
  public var topics: Int
  /// Bytes of a text that is taken as a state or a label; a longer one is no reading but a document or an image.
  public var textBytes: Int
  /// Different paths of all payloads of one source that are remembered.
  public var paths: Int

  public init(
    payloadBytes: Int = 256 * 1024, nesting: Int = 32, fields: Int = 4096, topics: Int = 200_000,
    textBytes: Int = 256, paths: Int = 65_536
  ) {
    self.payloadBytes = payloadBytes
    self.nesting = nesting
    self.fields = fields
    self.topics = topics
    self.textBytes = textBytes
    self.paths = paths
  }
}
