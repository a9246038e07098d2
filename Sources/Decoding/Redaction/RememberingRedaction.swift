import Telemetry

/// `FieldRedaction` that finds out once what a topic means, and remembers it. One owner.
public final class RememberingRedaction {
  /// About 7 MB of topics; when there are more, all are forgotten and found again.
  static let mostTopics = 65_536

  private let redaction: FieldRedaction
  private var scopes = ByteTable<FieldRedaction.Scope>()

  public init(sources: [SourceDefinition]) { redaction = FieldRedaction(sources: sources) }

  /// The payload without images and without what tells of people: all that is kept of a message. `nil` where it may be
  /// kept as it is.
  public func redactAll(topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) -> [UInt8]? {
    redaction.redactAll(payload, scope(of: topic))
  }

  /// How many topics are remembered.
  var count: Int { scopes.count }

  private func scope(of topic: UnsafeRawBufferPointer) -> FieldRedaction.Scope {
    if let known = scopes.find(topic) { return known }
    let found = redaction.scope(of: topic)
    if scopes.count >= RememberingRedaction.mostTopics { scopes.removeAll() }
    scopes.insert(found, for: topic)
    return found
  }
}
