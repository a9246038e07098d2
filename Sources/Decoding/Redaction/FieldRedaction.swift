import Telemetry

/// Keeps what tells of people out of whatever stores messages: number plates, faces, names. Values of fields that are
/// named so go, before anything is written; all else in a payload stays byte for byte.
///
/// In JSON such a value becomes `null`, in XML an element is emptied, in InfluxDB's line protocol and in a payload that
/// is one text it becomes `redacted`. A pair of name and value (`{"n":"plate","vs":"…"}`) counts as a field. Nothing
/// that could be guessed back, such as a hash, is left. Names are compared without case and punctuation, with and
/// without what stands before their last point, slash or colon.
///
/// A value without state, safe from any thread; the same message always gives the same bytes.
public struct FieldRedaction: Sendable {
  /// What a payload that was one text becomes.
  static let text = "redacted"

  /// What a topic says of the payloads under it.
  struct Scope {
    /// Whose names they are; `nil` where no source takes the topic.
    let source: Int?
    /// Where the topic's last level is such a name, the payload's texts are such values.
    let byTopic: RedactedNames.Rule?
    /// Where payloads are those of Sparkplug B.
    let sparkplug: (aliases: SparkplugAliases, isBirth: Bool)?
    /// What is kept of the topic, where some level of it is not.
    let topic: [UInt8]?
  }

  private let sources: [(filter: TopicFilter, names: RedactedNames, topic: TopicPattern, levels: [String])]

  public init(sources: [SourceDefinition]) {
    self.sources = sources.map { ($0.topic.filter, RedactedNames(of: $0), $0.topic, $0.redactedLevels) }
  }

  /// Splits the topic and compares it with every source's: to be remembered where there are many messages.
  ///
  /// - Parameter aliases: what is known of a node of Sparkplug B, or of a device behind it, by group, node and device.
  func scope(
    of topic: UnsafeRawBufferPointer, aliases: (String) -> SparkplugAliases = { _ in SparkplugAliases() }
  ) -> Scope {
    let text = String(decoding: topic, as: UTF8.self)
    let source = sources.firstIndex { $0.filter.matches(text) }
    let kept = source.flatMap { hidden(text, sources[$0].topic, sources[$0].levels) }
    if let line = SparkplugRedaction.line(ofTopic: text) {
      return Scope(source: source, byTopic: nil, sparkplug: (aliases(line.key), line.isBirth), topic: kept)
    }
    let level = topic.lastIndex(of: UInt8(ascii: "/")).map { UnsafeRawBufferPointer(rebasing: topic[($0 + 1)...]) }
    return Scope(source: source, byTopic: level.flatMap { names(source).rule($0) }, sparkplug: nil, topic: kept)
  }

  private func hidden(_ topic: String, _ pattern: TopicPattern, _ levels: [String]) -> [UInt8]? {
    guard !levels.isEmpty else { return nil }
    return pattern.hiding(levels, in: topic, by: FieldRedaction.text).map { Array($0.utf8) }
  }

  /// What is kept of a topic; `nil` where it is kept as it is.
  public func topic(_ topic: UnsafeRawBufferPointer) -> [UInt8]? { scope(of: topic).topic }

  /// The payload without such values; `nil` where there are none, and it may be kept as it is.
  ///
  /// - Parameter topic: UTF-8. Where its last level is such a name, the payload's texts are such values.
  public func redact(topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) -> [UInt8]? {
    redact(payload, scope(of: topic))
  }

  func redact(_ payload: UnsafeRawBufferPointer, _ scope: Scope) -> [UInt8]? {
    guard !payload.isEmpty else { return nil }
    if let sparkplug = sparkplug(payload, scope) { return sparkplug.redact(payload) }
    let names = names(scope.source)
    var cuts: [RedactionCut]
    switch payload.first(where: { $0 > 0x20 }) {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      var scanner = JSONRedactionScanner(payload, names, cutsTexts: scope.byTopic != nil)
      cuts = scanner.scan()
    case UInt8(ascii: "<"): cuts = MarkupRedactionScanner.scan(payload) { names.rule($0) }
    default:
      if let rule = scope.byTopic {
        return FieldRedaction.isCut(payload.trimmed, rule) ? Array(FieldRedaction.text.utf8) : nil
      }
      cuts = LineRedactionScanner.scan(payload) { names.rule($0) }
    }
    guard !cuts.isEmpty else { return nil }
    cuts.sort { $0.range.lowerBound < $1.range.lowerBound }
    return FieldRedaction.cut(cuts, from: payload)
  }

  /// The same, and without images: all that is kept of a message.
  public func redactAll(topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) -> [UInt8]? {
    redactAll(payload, scope(of: topic))
  }

  func redactAll(_ payload: UnsafeRawBufferPointer, _ scope: Scope) -> [UInt8]? {
    // Bytes that are counted must not be replaced by others within.
    if let sparkplug = sparkplug(payload, scope) { return sparkplug.redact(payload) }
    guard let imageless = ImageRedaction.redact(payload) else { return redact(payload, scope) }
    return imageless.withUnsafeBytes { redact($0, scope) } ?? imageless
  }

  /// `nil` where the payload is none of Sparkplug's protobuf, whatever its topic says.
  private func sparkplug(_ payload: UnsafeRawBufferPointer, _ scope: Scope) -> SparkplugRedaction? {
    guard let (aliases, isBirth) = scope.sparkplug, let first = payload.first, first != UInt8(ascii: "{"),
      ImageRedaction.mediaType(payload) == nil
    else { return nil }
    return SparkplugRedaction(names: names(scope.source), aliases: aliases, isBirth: isBirth)
  }

  private func names(_ source: Int?) -> RedactedNames { source.map { sources[$0].names } ?? .builtIn }

  /// Whether a payload that is one value goes by what its topic is called.
  private static func isCut(_ payload: UnsafeRawBufferPointer, _ rule: RedactedNames.Rule) -> Bool {
    guard let first = payload.first, !payload.elementsEqual(text.utf8), !payload.elementsEqual("null".utf8) else {
      return false
    }
    let isNumber = payload.allSatisfy { $0.isDigit || "+-.,".utf8.contains($0) }
    let isBoolean = ["true", "false", "on", "off"].contains { payload.equalsIgnoringCase($0) }
    return rule.cuts(isNumber ? .number : isBoolean ? .boolean : first == 0 ? .nothing : .text)
  }

  private static func cut(_ cuts: [RedactionCut], from payload: UnsafeRawBufferPointer) -> [UInt8]? {
    var kept: [UInt8] = []
    kept.reserveCapacity(payload.count)
    var copied = 0
    for cut in cuts where cut.range.lowerBound >= copied {
      kept.append(contentsOf: payload[copied..<cut.range.lowerBound])
      kept.append(contentsOf: cut.replacement.utf8)
      copied = cut.range.upperBound
    }
    kept.append(contentsOf: payload[copied...])
    return kept
  }
}

/// A stretch of a payload, and what stands in its place.
struct RedactionCut {
  let range: Range<Int>
  let replacement: StaticText

  /// Without the counting of references that a `String` would bring.
  enum StaticText {
    case null, text, nothing

    var utf8: String.UTF8View {
      switch self {
      case .null: "null".utf8
      case .text: FieldRedaction.text.utf8
      case .nothing: "".utf8
      }
    }
  }
}

extension UnsafeRawBufferPointer {
  func equalsIgnoringCase(_ word: String) -> Bool {
    count == word.utf8.count && zip(self, word.utf8).allSatisfy { $0 | 0x20 == $1 }
  }
}
