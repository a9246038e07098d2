import Telemetry

/// Finds out what each value of a JSON payload is to a built-in format: by decoding the payload again with that value
/// changed, and looking at what changes with it. So an explanation says what the decoder does, not what someone wrote
/// down about it. Slow: for people.
struct LeafProbe {
  enum Finding: Equatable {
    /// Readings, by their position, whose values change with it.
    case gives([Int])
    /// It says something else of them.
    case says(String)
    case nothing
  }

  /// More leaves than a person reads take too long.
  static let most = 600

  /// A new one for each try: a series keeps the unit that it was first seen with.
  private let decoder: () -> Decoder?
  private let topic: [UInt8]
  private let reception: Reception

  init(topic: UnsafeRawBufferPointer, _ reception: Reception, _ decoder: @escaping () -> Decoder?) {
    self.decoder = decoder
    self.topic = Array(topic)
    self.reception = reception
  }

  private struct Result: Equatable {
    var values: [String] = []
    var series: [String] = []
    var times: [Timestamp] = []
    var outcome = ""
  }

  /// `nil` where the payload has too many leaves.
  func findings(_ root: JSONValue) -> [(path: String, finding: Finding)]? {
    var leaves: [(path: String, index: Int, variants: [[UInt8]])] = []
    LeafProbe.leaves(root) { path, value in
      if leaves.count <= LeafProbe.most { leaves.append((path, value.index, variants(of: value))) }
    }
    guard leaves.count <= LeafProbe.most else { return nil }
    // Made before the first decoding: that parses anew, over this tree.
    let documents = leaves.map { leaf in leaf.variants.map { LeafProbe.text(root, replacing: leaf.index, with: $0) } }
    let original = decode(LeafProbe.text(root, replacing: -1, with: []))
    return zip(leaves, documents).map { leaf, documents in
      var found = Finding.nothing
      for document in documents where found == .nothing { found = LeafProbe.compare(original, decode(document)) }
      return (leaf.path, found)
    }
  }

  private func decode(_ payload: [UInt8]) -> Result {
    var observations: [Observation] = []
    guard let decoder = decoder() else { return Result() }
    let outcome = topic.withUnsafeBytes { topic in
      payload.withUnsafeBytes { decoder.decode(topic: topic, payload: $0, reception, into: &observations) }
    }
    var result = Result()
    for observation in observations {
      let series = observation.series
      result.values.append("\(observation.value)")
      result.series.append("\(series.device.name)\u{0}\(series.key)\u{0}\(series.unit)\u{0}\(series.kind)")
      result.times.append(observation.time)
    }
    switch outcome {
    case .decoded: result.outcome = "decoded"
    case .partial(let faults): result.outcome = "partial \(faults.count)"
    case .ignored(let why): result.outcome = why
    case .unrouted: result.outcome = "unrouted"
    case .refused(let fault): result.outcome = fault.description
    }
    return result
  }

  private static func compare(_ old: Result, _ new: Result) -> Finding {
    guard old != new else { return .nothing }
    if old.series.count == new.series.count {
      if old.series != new.series { return .says("names a device, a metric or a label, or a unit") }
      let changed = old.values.indices.filter { old.values[$0] != new.values[$0] }
      if !changed.isEmpty { return .gives(changed) }
      if old.times != new.times { return .says("the time") }
      return .says("decides what is taken")
    }
    // What is missing now came of it, unless all is.
    let gone = old.series.indices.filter { !new.series.contains(old.series[$0]) }
    return gone.count == 1 && new.series.count == old.series.count - 1 ? .gives(gone) : .says("decides what is taken")
  }

  // MARK: - Documents

  static func leaves(_ value: JSONValue, _ path: String = "", _ body: (String, JSONValue) -> Void) {
    switch value.kind {
    case .object:
      for (key, member) in value.members { leaves(member, path + "/" + JSONPointer.escape(String(utf8: key)), body) }
    case .array:
      for (index, element) in value.elements.enumerated() { leaves(element, "\(path)/\(index)", body) }
    default: body(path, value)
    }
  }

  /// Other values that a device might have sent there.
  private func variants(of value: JSONValue) -> [[UInt8]] {
    func text(_ text: String) -> [UInt8] { LeafProbe.quoted(text.utf8) }
    // A time beside one that is not believed would not be believed either.
    let now = reception.receivedAt - .seconds(60)
    switch value.kind {
    case .number:
      if let integer = value.integer {
        let other = integer == 0 ? 1 : 0
        let times = [now.milliseconds / 1000, now.milliseconds, now.nanoseconds]
        return ([integer &+ 1, other, integer &- 1] + times).map { Array("\($0)".utf8) }
      }
      let number = value.number ?? 0
      return ["\(number + 0.25)", "\(number * 2)", "0"].map { Array($0.utf8) }
    case .bool: return [Array((value.bool == true ? "false" : "true").utf8)]
    case .null: return [[UInt8(ascii: "7")], text("x")]
    case .unusable: return [[UInt8(ascii: "7")]]
    case .string:
      let old = String(utf8: value.text)
      var variants: [[UInt8]] = []
      if let flag = StateWords.boolean(old), !old.isEmpty { variants.append(text(flag ? "false" : "true")) }
      if let number = NumberText(value.text) {
        variants.append(text("\(number.value + 1)" + String(utf8: UnsafeRawBufferPointer(rebasing: number.suffix))))
      }
      // Another time of the same form.
      if let last = old.lastIndex(where: \.isNumber), old.count > 8 {
        var other = old
        other.replaceSubrange(last...last, with: old[last] == "1" ? "2" : "1")
        variants.append(text(other))
        variants.append(text(RFC3339.format(now)))
      }
      return variants + [text(old + "x"), text("x"), text("")]
    case .object, .array: return []
    }
  }

  private static func quoted(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var out: [UInt8] = [UInt8(ascii: "\"")]
    for byte in bytes {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        out += [UInt8(ascii: "\\"), byte]
      } else if byte < 0x20 {
        out += "\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8
      } else {
        out.append(byte)
      }
    }
    return out + [UInt8(ascii: "\"")]
  }

  private static func text(_ root: JSONValue, replacing index: Int, with replacement: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    func write(_ value: JSONValue) {
      if value.index == index { return out.append(contentsOf: replacement) }
      switch value.kind {
      case .object:
        out.append(UInt8(ascii: "{"))
        for (position, member) in value.members.enumerated() {
          if position > 0 { out.append(UInt8(ascii: ",")) }
          out += quoted(member.key)
          out.append(UInt8(ascii: ":"))
          write(member.value)
        }
        out.append(UInt8(ascii: "}"))
      case .array:
        out.append(UInt8(ascii: "["))
        for (position, element) in value.elements.enumerated() {
          if position > 0 { out.append(UInt8(ascii: ",")) }
          write(element)
        }
        out.append(UInt8(ascii: "]"))
      case .string: out += quoted(value.text)
      case .number: out += (value.integer.map { "\($0)" } ?? "\(value.number ?? 0)").utf8
      case .bool: out += (value.bool == true ? "true" : "false").utf8
      case .null: out += "null".utf8
      case .unusable: out += "NaN".utf8
      }
    }
    write(root)
    return out
  }
}
