/// Takes the values out of metrics of Sparkplug B that tell of people, and images out of any. Such a metric becomes null
/// (`is_null`), keeps its name, alias and time, and loses its properties; all else stays byte for byte.
///
/// In messages without names the births' aliases are gone by. Where the birth was not seen, texts, bytes and what is made
/// of several values go: no reading could be made of them anyway, before the node is born again.
struct SparkplugRedaction {
  let names: RedactedNames
  /// Of the topic's node or device.
  let aliases: SparkplugAliases
  let isBirth: Bool

  /// Levels of a topic that is one of Sparkplug's: whose it is, and whether births come by it. `nil` for any other.
  static func line(ofTopic topic: String) -> (key: String, isBirth: Bool)? {
    let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
    guard let marker = levels.firstIndex(of: "spBv1.0") else { return nil }
    let parts = levels[(marker + 1)...]
    guard parts.count == 3 || parts.count == 4, let group = parts.first else { return nil }
    let kind = parts[parts.startIndex + 1]
    let key = ([group] + parts.dropFirst(2)).joined(separator: "/")
    return (key, kind == "NBIRTH" || kind == "DBIRTH")
  }

  func redact(_ payload: UnsafeRawBufferPointer) -> [UInt8]? {
    if isBirth { aliases.begin() }
    do throws(DecodingFault) {
      return try rewrite(payload) { number, field throws(DecodingFault) in
        guard number == 2, case .bytes(let metric) = field else { return nil }
        return try self.metric(metric, prefix: [], depth: 0)
      }
    } catch {
      // What can't be read in full can't be shown to be free of it.
      return aliases.tellsOfPeople ? Array(FieldRedaction.text.utf8) : nil
    }
  }

  // MARK: Metrics

  private enum Number {
    static let name: UInt64 = 1
    static let alias: UInt64 = 2
    static let datatype: UInt64 = 4
    /// The last of those that say nothing but name, time and kind.
    static let lastHarmless: UInt64 = 6
    static let isNull: UInt64 = 7
    static let properties: UInt64 = 9
    static let values: ClosedRange<UInt64> = 10...19
    static let text: UInt64 = 15
    static let bytes: UInt64 = 16
    static let dataSet: UInt64 = 17
    static let template: UInt64 = 18
  }

  /// - Returns: what takes the metric's place; `nil` where it stays.
  private func metric(
    _ bytes: UnsafeRawBufferPointer, prefix: [UInt8], depth: Int
  ) throws(DecodingFault) -> [UInt8]? {
    guard depth <= SparkplugPayload.templateDepth else { return SparkplugRedaction.emptied }
    var (name, alias): ([UInt8]?, UInt64?) = (nil, nil)
    var content = RedactedNames.Content.nothing
    var holdsImage = false
    var isFlag = false
    var reader = ProtobufReader(bytes)
    while let (number, field) = try reader.next() {
      switch (number, field) {
      case (Number.name, .bytes(let text)) where !text.isEmpty: name = prefix + text
      case (Number.alias, .varint(let value)): alias = value
      case (Number.datatype, .varint(let value)): isFlag = value == 11
      case (Number.text, .bytes(let text)), (Number.bytes, .bytes(let text)):
        content = text.isEmpty ? .nothing : .text
        holdsImage = ImageRedaction.redact(text) != nil
      case (Number.dataSet, .bytes(let set)):
        content = .structure
        if try hasColumn(set) { return try null(bytes) }
      case (Number.values, .bytes): content = .structure
      case (14, .varint): content = .boolean
      case (Number.values, _): content = isFlag ? .boolean : .number
      default: break
      }
    }
    if isBirth, let alias, let name { aliases.learn(alias, name) }
    if name == nil, let alias { name = aliases.name(alias) }
    if holdsImage || goes(name, content) { return try null(bytes) }
    let inner = (name ?? prefix) + [UInt8(ascii: "/")]
    return try rewrite(bytes) { number, field throws(DecodingFault) in
      switch (number, field) {
      case (Number.properties, .bytes(let set)): try properties(set, depth: depth)
      case (Number.template, .bytes(let template)): try self.template(template, prefix: inner, depth: depth)
      default: nil
      }
    }
  }

  /// - Parameter name: `nil` where nobody knows it.
  private func goes(_ name: [UInt8]?, _ content: RedactedNames.Content) -> Bool {
    guard let name else { return content == .text || content == .structure }
    guard let rule = name.withUnsafeBytes(names.rule) else { return false }
    let goes = rule.cuts(content)
    if goes || content == .nothing { aliases.note() }
    return goes
  }

  /// `is_null` alone.
  private static let emptied: [UInt8] = [UInt8(Number.isNull << 3), 1]

  /// The metric without all that it says.
  private func null(_ bytes: UnsafeRawBufferPointer) throws(DecodingFault) -> [UInt8] {
    var kept: [UInt8] = []
    var reader = ProtobufReader(bytes)
    var start = 0
    while let (number, _) = try reader.next() {
      if number <= Number.lastHarmless { kept.append(contentsOf: bytes[start..<reader.offset]) }
      start = reader.offset
    }
    return kept + SparkplugRedaction.emptied
  }

  private func template(
    _ bytes: UnsafeRawBufferPointer, prefix: [UInt8], depth: Int
  ) throws(DecodingFault) -> [UInt8]? {
    try rewrite(bytes) { number, field throws(DecodingFault) in
      switch (number, field) {
      case (2, .bytes(let member)): try metric(member, prefix: prefix, depth: depth + 1)
      case (3, .bytes(let parameter)): try self.parameter(parameter)
      default: nil
      }
    }
  }

  /// A template's parameter: its name, its type, and from the third field on its value.
  private func parameter(_ bytes: UnsafeRawBufferPointer) throws(DecodingFault) -> [UInt8]? {
    var reader = ProtobufReader(bytes)
    var (kept, start): ([UInt8], Int) = ([], 0)
    var rule: RedactedNames.Rule?
    while let (number, field) = try reader.next() {
      if number == 1, case .bytes(let name) = field { rule = names.rule(name) }
      if number <= 2 { kept.append(contentsOf: bytes[start..<reader.offset]) }
      start = reader.offset
    }
    return rule != nil && kept.count < bytes.count ? kept : nil
  }

  /// Whether a data set has a column that is called so.
  private func hasColumn(_ bytes: UnsafeRawBufferPointer) throws(DecodingFault) -> Bool {
    var reader = ProtobufReader(bytes)
    while let (number, field) = try reader.next() {
      if number == 2, case .bytes(let name) = field, names.rule(name) != nil { return true }
    }
    return false
  }

  // MARK: Properties

  /// Keys and values stand in two lists of the same order.
  private func properties(_ bytes: UnsafeRawBufferPointer, depth: Int) throws(DecodingFault) -> [UInt8]? {
    guard depth <= SparkplugPayload.templateDepth else { return [] }
    var rules: [RedactedNames.Rule?] = []
    var reader = ProtobufReader(bytes)
    while let (number, field) = try reader.next() {
      if number == 1, case .bytes(let key) = field { rules.append(names.rule(key)) }
    }
    var position = 0
    return try rewrite(bytes) { number, field throws(DecodingFault) in
      guard number == 2, case .bytes(let value) = field else { return nil }
      defer { position += 1 }
      if position < rules.count, rules[position] != nil { return SparkplugRedaction.nullProperty }
      return try rewrite(value) { number, field throws(DecodingFault) in
        switch (number, field) {
        case (9, .bytes(let set)): try properties(set, depth: depth + 1)
        case (10, .bytes(let list)):
          try rewrite(list) { number, field throws(DecodingFault) in
            guard number == 1, case .bytes(let set) = field else { return nil }
            return try properties(set, depth: depth + 1)
          }
        default: nil
        }
      }
    }
  }

  /// A property's own `is_null`.
  private static let nullProperty: [UInt8] = [2 << 3, 1]

  // MARK: Writing

  /// - Parameter change: what takes a field's content's place; `nil` where it stays.
  /// - Returns: `nil` where all stay.
  private func rewrite(
    _ bytes: UnsafeRawBufferPointer,
    _ change: (UInt64, ProtobufReader.Field) throws(DecodingFault) -> [UInt8]?
  ) throws(DecodingFault) -> [UInt8]? {
    var out: [UInt8]?
    var copied = 0
    var reader = ProtobufReader(bytes)
    var start = 0
    while let (number, field) = try reader.next() {
      if let content = try change(number, field) {
        var written = out ?? []
        written.append(contentsOf: bytes[copied..<start])
        SparkplugRedaction.append(number << 3 | 2, to: &written)
        SparkplugRedaction.append(UInt64(content.count), to: &written)
        written += content
        out = written
        copied = reader.offset
      }
      start = reader.offset
    }
    guard var out else { return nil }
    out.append(contentsOf: bytes[copied...])
    return out
  }

  private static func append(_ value: UInt64, to out: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    out.append(UInt8(rest))
  }
}
