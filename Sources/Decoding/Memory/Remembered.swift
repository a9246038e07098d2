/// Something that later messages can't be read without: kept by whoever keeps the journal, since the message that said
/// it may be deleted long before those that need it. Given back to `Decoder.restore` at the next start.
public struct Remembered: Sendable, Hashable {
  /// What belongs together: an edge node, or the devices behind a bridge.
  public let scope: String
  /// What it is about, within its scope.
  public let key: String
  /// The message's, as `Reception.sequence` gave it.
  public let sequence: Int64
  /// Whether it ends all that was known of its scope before.
  public let startsScope: Bool
  /// Whether it ends what was known of its key before; what doesn't holds for ever.
  public let replacesKey: Bool
  /// The message's payload, where it is one.
  public let content: [UInt8]

  public init(
    scope: String, key: String, sequence: Int64, startsScope: Bool, replacesKey: Bool, content: [UInt8]
  ) {
    self.scope = scope
    self.key = key
    self.sequence = sequence
    self.startsScope = startsScope
    self.replacesKey = replacesKey
    self.content = content
  }
}
