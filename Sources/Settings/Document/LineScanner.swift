/// Finds the line of every key and list item of a TOML text, which the parser's tree does not tell.
///
/// It doesn't judge: the parser does, afterwards. On text that is no TOML it gives some lines or none, always in time
/// linear in the text. It stops at what the parser must not be given (`obstacle`).
struct LineScanner {
  /// What would harm the parser, or be read by it as something else than what was written.
  enum Obstacle: Equatable {
    case tooDeep(line: Int)
    /// An escaped NUL in a string: all that follows it would be cut off without a word.
    case nul(line: Int)
  }

  /// Ours needs five; a parser's recursion and its clean-up must stay bounded.
  static let deepest = 32

  private let text: [UInt8]
  private var at = 0
  private var line = 1
  private var lines: [DocumentPath: Int] = [:]
  /// How many tables each `[[list]]` has so far.
  private var tables: [DocumentPath: Int] = [:]
  private var obstacle: Obstacle?

  private init(_ text: some Sequence<UInt8>) { self.text = Array(text) }

  static func scan(_ text: some Sequence<UInt8>) -> (lines: [DocumentPath: Int], obstacle: Obstacle?) {
    var scanner = LineScanner(text)
    scanner.document()
    return (scanner.lines, scanner.obstacle)
  }

  private var next: UInt8? { at < text.count ? text[at] : nil }

  private mutating func advance() {
    if text[at] == UInt8(ascii: "\n") { line += 1 }
    at += 1
  }

  private mutating func take(_ byte: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: byte) else { return false }
    advance()
    return true
  }

  private mutating func skipSpaces() {
    while let byte = next, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { at += 1 }
  }

  private mutating func skipLine() {
    while let byte = next, byte != UInt8(ascii: "\n") { at += 1 }
  }

  /// Spaces, ends of lines, comments.
  private mutating func skipBlank() {
    while let byte = next {
      switch byte {
      case UInt8(ascii: "#"): skipLine()
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): advance()
      default: return
      }
    }
  }

  private mutating func record(_ path: DocumentPath, _ line: Int) {
    if lines[path] == nil { lines[path] = line }
  }

  // MARK: The document

  private mutating func document() {
    var table = DocumentPath()
    while obstacle == nil {
      skipBlank()
      guard let byte = next else { return }
      if byte == UInt8(ascii: "[") {
        table = header()
      } else {
        pair(in: table)
      }
      skipLine()
    }
  }

  /// `[table]` or `[[list]]`: where the keys that follow belong.
  private mutating func header() -> DocumentPath {
    let start = line
    _ = take("[")
    let isList = take("[")
    let keys = dottedKey()
    var path = DocumentPath()
    for (index, key) in keys.enumerated() {
      path = path + .key(key)
      record(path, start)
      if isList, index == keys.count - 1 {
        let count = tables[path] ?? 0
        tables[path] = count + 1
        path = path + .index(count)
        record(path, start)
      } else if let count = tables[path] {
        // [[source]] twice, then [source.time]: that of the second.
        path = path + .index(count - 1)
      }
    }
    return path
  }

  /// `key = value`.
  private mutating func pair(in table: DocumentPath) {
    let start = line
    var path = table
    for key in dottedKey() {
      path = path + .key(key)
      record(path, start)
    }
    skipSpaces()
    guard path.depth > table.depth, take("=") else { return }
    value(path)
  }

  private mutating func dottedKey() -> [String] {
    var keys: [String] = []
    repeat {
      guard keys.count < LineScanner.deepest else {
        obstacle = .tooDeep(line: line)
        return keys
      }
      skipSpaces()
      let start = at
      if next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") {
        string()
        guard at > start + 1 else { return keys }
        keys.append(String(decoding: text[start + 1..<at - 1], as: UTF8.self))
      } else {
        while let byte = next, LineScanner.isBareKeyByte(byte) { at += 1 }
        guard at > start else { return keys }
        keys.append(String(decoding: text[start..<at], as: UTF8.self))
      }
      skipSpaces()
    } while take(".")
    return keys
  }

  private static func isBareKeyByte(_ byte: UInt8) -> Bool {
    byte &- 48 < 10 || (byte | 0x20) &- 97 < 26 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }

  // MARK: Values

  private mutating func value(_ path: DocumentPath) {
    guard path.depth <= LineScanner.deepest else {
      obstacle = .tooDeep(line: line)
      return
    }
    skipSpaces()
    switch next {
    case UInt8(ascii: "\""), UInt8(ascii: "'"): string()
    case UInt8(ascii: "["): list(path)
    case UInt8(ascii: "{"): inlineTable(path)
    default:
      while let byte = next, !",]}#\n".utf8.contains(byte) { at += 1 }
    }
  }

  private mutating func list(_ path: DocumentPath) {
    advance()
    var index = 0
    while obstacle == nil {
      skipBlank()
      guard next != nil, !take("]") else { return }
      let start = at
      let item = path + .index(index)
      record(item, line)
      value(item)
      index += 1
      skipBlank()
      _ = take(",")
      // What is neither a value nor a comma would hold it up for ever.
      if at == start { advance() }
    }
  }

  private mutating func inlineTable(_ path: DocumentPath) {
    advance()
    while obstacle == nil {
      skipBlank()
      guard next != nil, !take("}") else { return }
      let start = at
      pair(in: path)
      skipBlank()
      _ = take(",")
      if at == start { advance() }
    }
  }

  /// From the opening quote to behind the closing one, or to the line's end where a plain string isn't closed.
  private mutating func string() {
    guard let quote = next else { return }
    let escapes = quote == UInt8(ascii: "\"")
    let isLong = text[at...].starts(with: [quote, quote, quote])
    at += isLong ? 3 : 1
    while let byte = next {
      if byte == quote {
        guard isLong else {
          at += 1
          return
        }
        // Two quotes may stand right before the three that close.
        let run = text[at...].prefix(5).prefix { $0 == quote }.count
        at += run
        if run >= 3 { return }
      } else if byte == UInt8(ascii: "\\"), escapes {
        if isEscapedNUL { obstacle = .nul(line: line) }
        advance()
        if next != nil { advance() }
      } else if byte == UInt8(ascii: "\n"), !isLong {
        return
      } else {
        advance()
      }
    }
  }

  private var isEscapedNUL: Bool {
    [#"\u0000"#, #"\U00000000"#, #"\x00"#].contains { text[at...].starts(with: $0.utf8) }
  }
}
