/// Reads influx line protocol: `measurement,tag=value field=1i,other="text" 1556813561098000000`.
struct InfluxLines {
  private let bytes: UnsafeRawBufferPointer
  private(set) var at = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }
  private var isLineEnd: Bool { byte == nil || byte == 0x0a || byte == 0x0d }

  /// Goes to the next line that is neither empty nor a comment; `nil` at the end.
  mutating func nextLine() -> Int? {
    while let byte {
      if byte.isWhite {
        at += 1
      } else if byte == UInt8(ascii: "#") {
        skipLine(from: at)
      } else {
        return at
      }
    }
    return nil
  }

  /// A text may hold line ends, so that after a fault the next line may begin inside one: it is then a fault, too.
  mutating func skipLine(from start: Int) {
    at = max(at, start)
    while let byte, byte != 0x0a { at += 1 }
  }

  /// Measurement and tags, as they stand there.
  mutating func head() throws(DecodingFault) -> UnsafeRawBufferPointer {
    let start = at
    while let byte, byte != UInt8(ascii: " ") {
      guard !isLineEnd else { throw DecodingFault(byte: at, "the line ends before its fields") }
      at += byte == UInt8(ascii: "\\") && at + 1 < bytes.count ? 2 : 1
    }
    guard at > start, bytes[start] != UInt8(ascii: ",") else { throw DecodingFault(byte: start, "no measurement") }
    let head = UnsafeRawBufferPointer(rebasing: bytes[start..<min(at, bytes.count)])
    skipSpaces()
    guard !isLineEnd else { throw DecodingFault(byte: at, "the line ends before its fields") }
    return head
  }

  static func parse(head: UnsafeRawBufferPointer) -> TelegrafHead {
    var parts: [[UInt8]] = [[]]
    /// Where the first unescaped `=` stands in each part.
    var equals: [Int?] = [nil]
    var index = 0
    while index < head.count {
      let byte = head[index]
      if byte == UInt8(ascii: "\\"), index + 1 < head.count,
        [UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: " ")].contains(head[index + 1])
      {
        parts[parts.count - 1].append(head[index + 1])
        index += 2
        continue
      }
      if byte == UInt8(ascii: ",") {
        parts.append([])
        equals.append(nil)
      } else {
        if byte == UInt8(ascii: "="), equals[equals.count - 1] == nil {
          equals[equals.count - 1] = parts[parts.count - 1].count
        }
        parts[parts.count - 1].append(byte)
      }
      index += 1
    }
    var tags: [(String, String)] = []
    for (part, equals) in zip(parts, equals).dropFirst() {
      guard let equals else { continue }
      let key = String(decoding: part[..<equals], as: UTF8.self)
      let value = String(decoding: part[(equals + 1)...], as: UTF8.self)
      if !key.isEmpty, !value.isEmpty { tags.append((key, value)) }
    }
    return TelegrafHead(measurement: String(decoding: parts[0], as: UTF8.self), tags: tags)
  }

  /// A field's name and value; no value where it is an empty or too long text.
  mutating func field(limit: Int) throws(DecodingFault) -> (name: [UInt8], value: TelegrafReader.Value?) {
    let start = at
    while let byte, InfluxLines.isPlain(byte) { at += 1 }
    // Almost all names have nothing escaped.
    var name = Array(bytes[start..<at])
    while let byte, byte != UInt8(ascii: "=") {
      guard !isLineEnd, byte != UInt8(ascii: " "), byte != UInt8(ascii: ",") else {
        throw DecodingFault(byte: at, "a field without a value")
      }
      if byte == UInt8(ascii: "\\"), at + 1 < bytes.count { at += 1 }
      name.append(bytes[at])
      at += 1
    }
    guard byte != nil, !name.isEmpty else { throw DecodingFault(byte: start, "a field without a name or value") }
    at += 1
    if byte == UInt8(ascii: "\"") {
      let text = try quoted(limit: limit)
      return (name, text.flatMap { $0.isEmpty ? nil : .word($0) })
    }
    return (name, try bare())
  }

  /// Whether it stands for itself in a name.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  private mutating func quoted(limit: Int) throws(DecodingFault) -> String? {
    let start = at
    at += 1
    var text: [UInt8] = []
    while let byte {
      at += 1
      if byte == UInt8(ascii: "\"") { return text.count <= limit ? String(decoding: text, as: UTF8.self) : nil }
      if byte == UInt8(ascii: "\\"), let next = self.byte, next == UInt8(ascii: "\"") || next == byte {
        text.append(next)
        at += 1
      } else {
        text.append(byte)
      }
    }
    throw DecodingFault(byte: start, "a text that doesn't end")
  }

  private mutating func bare() throws(DecodingFault) -> TelegrafReader.Value {
    let start = at
    while let byte, byte != UInt8(ascii: ","), byte != UInt8(ascii: " "), !isLineEnd { at += 1 }
    var text = UnsafeRawBufferPointer(rebasing: bytes[start..<at])
    guard let last = text.last else { throw DecodingFault(byte: start, "a field without a value") }
    // Next to all are numbers: no text is made of those.
    if let first = text.first, !first.isDigit, first != UInt8(ascii: "-") {
      switch String(utf8: UnsafeRawBufferPointer(rebasing: text.prefix(6))) {
      case "t", "T", "true", "True", "TRUE": return .word("true")
      case "f", "F", "false", "False", "FALSE": return .word("false")
      default: break
      }
    }
    if last == UInt8(ascii: "i") || last == UInt8(ascii: "u") {
      text = UnsafeRawBufferPointer(rebasing: text.dropLast())
      guard text.allSatisfy({ $0.isDigit || $0 == UInt8(ascii: "-") }) else {
        throw DecodingFault(byte: start, "no integer")
      }
    }
    guard let number = NumberText.double(text), number.isFinite else { throw DecodingFault(byte: start, "no number") }
    return .number(number)
  }

  mutating func takeComma() -> Bool {
    guard byte == UInt8(ascii: ",") else { return false }
    at += 1
    return true
  }

  /// The rest of the line; `nil` where it bears no time.
  mutating func timestamp() throws(DecodingFault) -> Int64? {
    skipSpaces()
    guard !isLineEnd else { return nil }
    let start = at
    while !isLineEnd, byte != UInt8(ascii: " ") { at += 1 }
    let text = UnsafeRawBufferPointer(rebasing: bytes[start..<at])
    guard let stamp = IntegerText.parse(text) else { throw DecodingFault(byte: start, "no timestamp") }
    skipSpaces()
    guard isLineEnd else { throw DecodingFault(byte: at, "text after the timestamp") }
    return stamp
  }

  private mutating func skipSpaces() {
    while byte == UInt8(ascii: " ") || byte == 0x09 { at += 1 }
  }
}
