/// Whether bytes are one JSON value and nothing else, as RFC 8259 has it; of its own, so that the generator is not
/// checked by code that it uses.
struct JSONCheck {
  private let bytes: [UInt8]
  private var at = 0

  static func isValid(_ bytes: [UInt8]) -> Bool {
    guard String(validating: bytes, as: UTF8.self) != nil else { return false }
    var check = JSONCheck(bytes: bytes)
    return check.value() && check.isAtEnd
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var isAtEnd: Bool { at == bytes.count }

  private mutating func space() {
    while at < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[at]) { at += 1 }
  }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard at < bytes.count, bytes[at] == UInt8(ascii: scalar) else { return false }
    at += 1
    return true
  }

  private mutating func take(word: String) -> Bool {
    guard bytes[at...].starts(with: word.utf8) else { return false }
    at += word.utf8.count
    return true
  }

  private mutating func value() -> Bool {
    space()
    guard at < bytes.count else { return false }
    let found: Bool
    switch bytes[at] {
    case UInt8(ascii: "{"): found = list("{", "}") { $0.member() }
    case UInt8(ascii: "["): found = list("[", "]") { $0.value() }
    case UInt8(ascii: "\""): found = string()
    case UInt8(ascii: "t"): found = take(word: "true")
    case UInt8(ascii: "f"): found = take(word: "false")
    case UInt8(ascii: "n"): found = take(word: "null")
    default: found = number()
    }
    space()
    return found
  }

  private mutating func list(
    _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ item: (inout JSONCheck) -> Bool
  ) -> Bool {
    guard take(open) else { return false }
    space()
    if take(close) { return true }
    repeat {
      guard item(&self) else { return false }
    } while take(",")
    return take(close)
  }

  private mutating func member() -> Bool {
    space()
    guard string() else { return false }
    space()
    return take(":") && value()
  }

  private mutating func string() -> Bool {
    guard take("\"") else { return false }
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "\""):
        at += 1
        return true
      case UInt8(ascii: "\\"): at += 2
      case 0..<0x20: return false
      default: at += 1
      }
    }
    return false
  }

  private mutating func digits() -> Bool {
    let first = at
    while at < bytes.count, bytes[at] &- 48 < 10 { at += 1 }
    return at > first
  }

  private mutating func number() -> Bool {
    _ = take("-")
    let leadingZero = at < bytes.count && bytes[at] == 48
    let first = at
    guard digits(), !leadingZero || at == first + 1 else { return false }
    if take("."), !digits() { return false }
    if take("e") || take("E") {
      _ = take("+") || take("-")
      return digits()
    }
    return true
  }
}
