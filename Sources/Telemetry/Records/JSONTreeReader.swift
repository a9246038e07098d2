/// Reads a whole JSON text (RFC 8259) into a tree.
struct JSONTreeReader {
  /// Ours nest four deep; a hostile answer must not exhaust the stack.
  private static let deepest = 32

  let bytes: [UInt8]
  private var at = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func whole() throws(JSONTree.Fault) -> JSONTree {
    let tree = try value(depth: 0)
    skipSpace()
    guard at == bytes.count else { throw fault }
    return tree
  }

  private var fault: JSONTree.Fault { JSONTree.Fault(offset: at) }
  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { at += 1 }
  }

  private mutating func expect(_ byte: UInt8) throws(JSONTree.Fault) {
    guard next == byte else { throw fault }
    at += 1
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    at += 1
    return true
  }

  private mutating func value(depth: Int) throws(JSONTree.Fault) -> JSONTree {
    skipSpace()
    guard depth < JSONTreeReader.deepest else { throw fault }
    switch next {
    case UInt8(ascii: "{"): return try object(depth)
    case UInt8(ascii: "["): return try array(depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .boolean(true))
    case UInt8(ascii: "f"): return try word("false", .boolean(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func object(_ depth: Int) throws(JSONTree.Fault) -> JSONTree {
    at += 1
    var members: [(key: String, value: JSONTree)] = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object([]) }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw fault }
      let key = try string()
      skipSpace()
      try expect(UInt8(ascii: ":"))
      members.append((key, try value(depth: depth + 1)))
      skipSpace()
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"))
    return .object(members)
  }

  private mutating func array(_ depth: Int) throws(JSONTree.Fault) -> JSONTree {
    at += 1
    var elements: [JSONTree] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array([]) }
    repeat {
      elements.append(try value(depth: depth + 1))
      skipSpace()
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"))
    return .array(elements)
  }

  private mutating func word(_ text: StaticString, _ tree: JSONTree) throws(JSONTree.Fault) -> JSONTree {
    let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    guard bytes[at...].starts(with: wanted) else { throw fault }
    at += wanted.count
    return tree
  }

  private mutating func number() throws(JSONTree.Fault) -> JSONTree {
    let start = at
    _ = take(UInt8(ascii: "-"))
    let whole = digits()
    guard whole > 0 else { throw fault }
    if whole > 1, bytes[at - whole] == UInt8(ascii: "0") { throw JSONTree.Fault(offset: at - whole + 1) }
    if take(UInt8(ascii: ".")), digits() == 0 { throw fault }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
      if digits() == 0 { throw fault }
    }
    guard at - start <= 64, let value = Double(String(decoding: bytes[start..<at], as: UTF8.self)), value.isFinite
    else {
      throw JSONTree.Fault(offset: start)
    }
    return .number(value)
  }

  private mutating func digits() -> Int {
    let start = at
    while let byte = next, byte &- 48 < 10 { at += 1 }
    return at - start
  }

  private mutating func string() throws(JSONTree.Fault) -> String {
    at += 1
    let start = at
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { at += 1 }
    if next == UInt8(ascii: "\"") {
      at += 1
      return String(decoding: bytes[start..<at - 1], as: UTF8.self)
    }
    var text = Array(bytes[start..<at])
    while let byte = next, byte >= 0x20 {
      at += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(into: &text)
      default: text.append(byte)
      }
    }
    throw fault
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONTree.Fault) {
    guard let byte = next else { throw fault }
    at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hex()
      if code & 0xfc00 == 0xd800, bytes[at...].starts(with: [0x5c, 0x75]) {
        at += 2
        let low = try hex()
        guard low & 0xfc00 == 0xdc00 else { throw fault }
        code = 0x10000 + (code & 0x3ff) << 10 + low & 0x3ff
      }
      guard let scalar = Unicode.Scalar(code) else { throw fault }
      text.append(contentsOf: Character(scalar).utf8)
    default: throw fault
    }
  }

  private mutating func hex() throws(JSONTree.Fault) -> UInt32 {
    guard at + 4 <= bytes.count, let code = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16),
      bytes[at] != UInt8(ascii: "+")
    else { throw fault }
    at += 4
    return code
  }
}
