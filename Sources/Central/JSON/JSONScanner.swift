/// Walks over JSON (RFC 8259) without building anything: every value is handed out as the range of its bytes, so that
/// a record can be stored exactly as it came.
///
/// Strict and bounded: no depth beyond `maximumDepth`, no control characters in strings, numbers as the grammar has
/// them. The bytes must be valid UTF-8, which `isUTF8` checks once for the whole document.
struct JSONScanner {
  /// Our own records nest four deep; unknown fields may nest further, but a stack is not for strangers to fill.
  static let maximumDepth = 32

  let bytes: [UInt8]
  private(set) var at: Int
  private let end: Int

  init(_ bytes: [UInt8], _ range: Range<Int>? = nil) {
    self.bytes = bytes
    at = range?.lowerBound ?? 0
    end = range?.upperBound ?? bytes.count
  }

  static func isUTF8(_ bytes: [UInt8]) -> Bool { (try? UTF8Span(validating: bytes.span)) != nil }

  /// Calls `visit` with the ranges of each key (quotes included) and value of the object that comes next.
  mutating func object(
    depth: Int = 0, _ visit: (_ key: Range<Int>, _ value: Range<Int>) throws -> Void
  ) throws {
    try take("{", "an object")
    skipSpace()
    if peek() == UInt8(ascii: "}") {
      at += 1
      return
    }
    while true {
      skipSpace()
      let key = try string()
      skipSpace()
      try take(":", "a colon")
      try visit(key, value(depth: depth + 1))
      skipSpace()
      if peek() == UInt8(ascii: ",") {
        at += 1
      } else {
        return try take("}", "a comma or the object's end")
      }
    }
  }

  /// Calls `visit` before each element of the array that comes next; it must consume the element.
  mutating func array(_ visit: (inout JSONScanner) throws -> Void) throws {
    try take("[", "an array")
    skipSpace()
    if peek() == UInt8(ascii: "]") {
      at += 1
      return
    }
    while true {
      try visit(&self)
      skipSpace()
      if peek() == UInt8(ascii: ",") {
        at += 1
      } else {
        return try take("]", "a comma or the array's end")
      }
    }
  }

  /// Passes over one value of any kind and returns its range, without the space around it.
  mutating func value(depth: Int = 0) throws -> Range<Int> {
    skipSpace()
    let start = at
    switch peek() {
    case UInt8(ascii: "{"):
      try checkDepth(depth)
      try object(depth: depth) { _, _ in }
    case UInt8(ascii: "["):
      try checkDepth(depth)
      try array { scanner in _ = try scanner.value(depth: depth + 1) }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: try number()
    }
    return start..<at
  }

  /// Throws where anything but space is left.
  mutating func finish() throws {
    skipSpace()
    guard at == end else { throw fault("something follows the document") }
  }

  mutating func skipSpace() {
    while at < end, bytes[at] == 0x20 || bytes[at] == 0x0a || bytes[at] == 0x0d || bytes[at] == 0x09 { at += 1 }
  }

  func peek() -> UInt8? { at < end ? bytes[at] : nil }

  private func checkDepth(_ depth: Int) throws {
    if depth >= JSONScanner.maximumDepth { throw fault("nested deeper than \(JSONScanner.maximumDepth)") }
  }

  private mutating func string() throws -> Range<Int> {
    let start = at
    try take("\"", "a string")
    while at < end {
      switch bytes[at] {
      case UInt8(ascii: "\""):
        at += 1
        return start..<at
      case UInt8(ascii: "\\"): try escape()
      case 0..<0x20: throw fault("a control character in a string")
      default: at += 1
      }
    }
    throw fault("a string without an end")
  }

  private mutating func escape() throws {
    at += 1
    guard let letter = peek() else { throw fault("a string without an end") }
    if letter == UInt8(ascii: "u") {
      guard at + 5 <= end, bytes[at + 1..<at + 5].allSatisfy({ JSONText.hexDigit($0) != nil }) else {
        throw fault("an escape that is not \\u and four hex digits")
      }
      at += 5
    } else {
      guard JSONText.escapes[letter] != nil else { throw fault("an unknown escape") }
      at += 1
    }
  }

  private mutating func number() throws {
    let start = at
    if peek() == UInt8(ascii: "-") { at += 1 }
    guard let first = peek(), isDigit(first) else {
      at = start
      throw fault(start == end ? "the document ends early" : "no JSON value")
    }
    at += 1
    if first != UInt8(ascii: "0") { digits() }
    if peek() == UInt8(ascii: ".") {
      at += 1
      guard digits() > 0 else { throw fault("a number without digits after its point") }
    }
    if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
      at += 1
      if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { at += 1 }
      guard digits() > 0 else { throw fault("a number without digits in its exponent") }
    }
  }

  @discardableResult
  private mutating func digits() -> Int {
    let start = at
    while let byte = peek(), isDigit(byte) { at += 1 }
    return at - start
  }

  private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

  private mutating func word(_ word: StaticString) throws {
    for index in 0..<word.utf8CodeUnitCount {
      guard peek() == word.utf8Start[index] else { throw fault("no JSON value") }
      at += 1
    }
  }

  private mutating func take(_ scalar: Unicode.Scalar, _ wanted: String) throws {
    guard peek() == UInt8(ascii: scalar) else {
      throw fault(at == end ? "the document ends where \(wanted) should come" : "\(wanted) should come")
    }
    at += 1
  }

  private func fault(_ reason: String) -> JSONFault { JSONFault(offset: at, reason: reason) }
}
