import Telemetry

/// `FieldRedaction` that finds out once what a topic means, and remembers it. One owner.
public final class RememberingRedaction {
  /// About 7 MB of topics; when there are more, all are forgotten and found again.
  static let mostTopics = 65_536

  /// Nodes and devices of Sparkplug B whose aliases are remembered; of the others, texts without a name are not kept.
  static let mostLines = 10_000

  private let redaction: FieldRedaction
  private var scopes = ByteTable<FieldRedaction.Scope>()
  /// Whether any source does: else no topic is looked up for it.
  private let hidesLevels: Bool
  private var aliases: [String: SparkplugAliases] = [:]

  /// - Parameter earlier: whose births this one goes on with, by sources that have changed.
  public init(sources: [SourceDefinition], after earlier: RememberingRedaction? = nil) {
    redaction = FieldRedaction(sources: sources)
    hidesLevels = sources.contains { !$0.redactedLevels.isEmpty }
    aliases = earlier?.aliases ?? [:]
  }

  /// The payload without images and without what tells of people: all that is kept of a message. `nil` where it may be
  /// kept as it is.
  public func redactAll(topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) -> [UInt8]? {
    redaction.redactAll(payload, scope(of: topic))
  }

  /// What is kept of a topic; `nil` where it is kept as it is.
  public func topic(_ topic: UnsafeRawBufferPointer) -> [UInt8]? { hidesLevels ? scope(of: topic).topic : nil }

  /// Takes up what an earlier process had from a birth of Sparkplug B.
  public func learn(topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
    let scope = scope(of: topic)
    if scope.sparkplug?.isBirth == true { _ = redaction.redactAll(payload, scope) }
  }

  /// How many topics are remembered.
  var count: Int { scopes.count }

  private func scope(of topic: UnsafeRawBufferPointer) -> FieldRedaction.Scope {
    if let known = scopes.find(topic) { return known }
    let found = redaction.scope(of: topic) { key in
      if let known = aliases[key] { return known }
      let made = SparkplugAliases()
      if aliases.count < RememberingRedaction.mostLines { aliases[key] = made }
      return made
    }
    if scopes.count >= RememberingRedaction.mostTopics { scopes.removeAll() }
    scopes.insert(found, for: topic)
    return found
  }
}
