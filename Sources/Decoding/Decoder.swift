import Telemetry

/// Turns messages into observations: topic and bytes in, readings out. No I/O but reading zone files at set-up.
///
/// The first source whose topic pattern matches takes the message, alone. What a topic means is found out once and
/// remembered, within `DecodingLimits.topics`.
///
/// Not thread-safe: one owner. `Sparkplug` sources remember births, so messages must come in their order.
public final class Decoder {
  public enum Outcome: Sendable {
    /// All that the payload holds was read; at least one observation.
    case decoded
    /// Some values were invalid; the valid ones are there. At least one fault.
    case partial([DecodingFault])
    /// Recognised, and nothing to take, with why: a snapshot, the echo of a command.
    case ignored(String)
    /// No source's topic matches.
    case unrouted
    /// Nothing of it could be read: to be quarantined.
    case refused(DecodingFault)
  }

  private struct Source {
    let definition: SourceDefinition
    let format: any SourceFormat
  }

  private let sources: [Source]
  private let message: Message
  private let limits: DecodingLimits
  private let registry: Registry
  private let timezone: String
  private var routes = ByteTable<(any TopicReader)?>()

  /// Throws where a source cannot be compiled: an unknown format or zone, a faulty pointer, a template with an
  /// unknown capture. `timezone` is the gateway's, for sources that have none.
  public init(
    sources: [SourceDefinition], timezone: String, registry: Registry, limits: DecodingLimits = .init()
  ) throws(DecoderSetupFault) {
    self.limits = limits
    self.registry = registry
    self.timezone = timezone
    message = Message(registry: registry, limits: limits)
    var zones = ZoneShelf()
    let gatewayZone = try zones.zone(timezone, source: "")
    var compiled: [Source] = []
    for source in sources {
      let zone = try source.timezone.map { name throws(DecoderSetupFault) in
        try zones.zone(name, source: source.name)
      }
      let setup = SourceSetup(
        source: source, zone: zone ?? gatewayZone, registry: registry, limits: limits, memory: message.memory)
      compiled.append(Source(definition: source, format: try setup.compile()))
    }
    self.sources = compiled
  }

  /// Decodes one message; its observations are appended. Those of a refused message are not.
  public func decode(
    topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, _ reception: Reception,
    into observations: inout [Observation]
  ) -> Outcome {
    message.arrive(reception)
    guard let reader = route(topic) else { return .unrouted }
    guard payload.count <= limits.payloadBytes else {
      return .refused(
        DecodingFault(
          byte: limits.payloadBytes, "the payload has \(payload.count) bytes; at most \(limits.payloadBytes) are read",
          limit: .payload))
    }
    message.begin(reception, &observations)
    let outcome = reader.read(payload, into: message)
    message.end(outcome, &observations)
    return outcome
  }

  // MARK: - Memory

  /// What was learnt since the last call that later messages can't be read without. To be kept together with the place
  /// that was reached, and given to `restore` by the next process.
  public func takeRemembered() -> [Remembered] { message.memory.takeNews() }

  /// Takes up what an earlier process kept; before any message. Devices must be in the registry already.
  ///
  /// - Parameter last: the sequence of the latest message that it read: those up to there teach nothing new.
  public func restore(_ remembered: [Remembered], through last: Int64 = .min) {
    message.memory.restore(remembered, through: last, registry, limits)
  }

  /// The topic of the birth of Sparkplug B that this is about; `nil` where it is about something else.
  public static func birthTopic(of remembered: Remembered) -> String? { SparkplugNode.birthTopic(of: remembered) }

  /// What was added to the times that the last message's payload said, because its clock is known to be off.
  public var correction: Span { message.correction }

  /// No message before this one will be read again: what was known only then may go.
  public func forget(before sequence: Int64) { message.memory.forget(before: sequence) }

  /// Edge nodes of Sparkplug B that should be asked to send their births again, each at most once a minute. Whoever takes
  /// them decides whether to ask: other hosts may listen on the same broker, and do so already.
  public func takeRebirthRequests() -> [RebirthRequest] { message.memory.rebirths.take() }

  /// How many messages could not be understood, or not in full, without another birth.
  public var rebirthsWanted: Int64 { message.memory.rebirths.wanted }

  /// How often the remembered routes were forgotten because there were too many topics.
  public private(set) var topicLimitHits: Int64 = 0

  /// The one device of all messages of this topic, where the topic alone says it; `nil` where the payload decides or
  /// no source matches. Cheap after the first time.
  public func device(ofTopic topic: UnsafeRawBufferPointer) -> Device? { route(topic)?.device }

  /// Whether the payload decides which devices it concerns; `false` where no source matches.
  public func payloadDecidesDevice(ofTopic topic: UnsafeRawBufferPointer) -> Bool {
    route(topic)?.payloadDecidesDevice ?? false
  }

  /// Decodes one message like `decode`, and tells how. Slow: for people.
  public func explain(
    topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, _ reception: Reception
  ) -> Explanation {
    let text = String(utf8: topic)
    let source = sources.first { $0.definition.topic.match(text) != nil }
    let trace = MappingTrace()
    message.trace = trace
    defer { message.trace = nil }
    var observations: [Observation] = []
    let outcome = decode(topic: topic, payload: payload, reception, into: &observations)
    var explanation = Explanation(
      outcome, observations, source: source?.definition.name, format: source?.definition.format,
      captures: source?.definition.topic.match(text) ?? [:])
    guard case .refused = outcome else {
      if let mapping = source?.format as? MappingFormat {
        explanation.add(trace, root: try? mapping.tree.parse(payload, message))
      } else if let json = source?.format as? JSONFormat, let root = try? message.json.parse(payload) {
        explanation.add(json, root: root)
      } else if let source {
        probe(source, topic, payload, reception, trace, &explanation)
      }
      return explanation
    }
    if source?.format is MappingFormat { explanation.add(trace, root: nil) }
    return explanation
  }

  /// What each value is to a format that was not written down as rules.
  private func probe(
    _ source: Source, _ topic: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, _ reception: Reception,
    _ trace: MappingTrace, _ explanation: inout Explanation
  ) {
    guard source.format is any JSONSourceFormat, let first = payload.trimmed.first,
      first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    else {
      explanation.add(told: trace)
      return explanation.addWhole()
    }
    // A decoder of its own: what is tried must be known to nobody.
    guard let root = try? message.json.parse(payload),
      let findings = LeafProbe(
        topic: topic, reception,
        { [timezone, limits] in
          try? Decoder(sources: [source.definition], timezone: timezone, registry: Registry(), limits: limits)
        }
      ).findings(root)
    else { return }
    explanation.add(findings, Decoder.leftOut(of: source.definition.format))
  }

  /// Topics whose route is remembered at the moment.
  var rememberedTopics: Int { routes.count }

  @inline(__always)
  private func route(_ topic: UnsafeRawBufferPointer) -> (any TopicReader)? {
    if let known = routes.find(topic) { return known }
    return findRoute(topic)
  }

  private func findRoute(_ topic: UnsafeRawBufferPointer) -> (any TopicReader)? {
    var reader: (any TopicReader)?
    if UTF8Check.firstInvalid(topic) == nil {
      let text = String(utf8: topic)
      for source in sources {
        guard let captures = source.definition.topic.match(text) else { continue }
        let found = source.format.reader(for: RoutedTopic(text, captures: captures), message)
        reader = source.definition.clock == .correct ? CorrectingReader(found, topic: text) : found
        break
      }
    }
    if routes.count >= limits.topics {
      topicLimitHits += 1
      routes.removeAll()
    }
    routes.insert(reader, for: topic)
    return reader
  }
}
