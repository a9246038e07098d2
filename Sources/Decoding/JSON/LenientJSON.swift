/// A JSON reader for what simdjson refuses: it finds the byte of a fault, and makes of numbers that no double holds,
/// and of the `NaN` and `Infinity` that Python writes, a value of their own instead of losing the whole payload.
///
/// Writes the same tape as simdjson, `x` with a reason for such numbers added. Otherwise as strict as RFC 8259.
final class LenientJSON {
  private let nesting: Int
  private var tape: [UInt64] = []
  private var strings: [UInt8] = []
  /// Where the finished tape lies still until the next parse.
  private var heldTape: UnsafeMutableBufferPointer<UInt64> = .allocate(capacity: 0)
  private var heldStrings: UnsafeMutableBufferPointer<UInt8> = .allocate(capacity: 0)

  init(nesting: Int) { self.nesting = nesting }

  deinit {
    heldTape.deallocate()
    heldStrings.deallocate()
  }

  func parse(_ payload: UnsafeRawBufferPointer) throws(DecodingFault) -> JSONValue {
    tape.removeAll(keepingCapacity: true)
    strings.removeAll(keepingCapacity: true)
    tape.append(0)
    if let invalid = UTF8Check.firstInvalid(payload) { throw DecodingFault(byte: invalid, "invalid UTF-8") }
    var reader = Reader(bytes: payload)
    if payload.starts(with: [0xef, 0xbb, 0xbf]) { reader.at = 3 }
    try value(&reader, depth: 0)
    reader.skipSpace()
    guard reader.isAtEnd else { throw reader.fault("text after the end of the document") }
    heldTape.deallocate()
    heldStrings.deallocate()
    heldTape = .allocate(capacity: tape.count)
    _ = heldTape.initialize(from: tape)
    heldStrings = .allocate(capacity: strings.count + 1)
    _ = heldStrings.initialize(from: strings)
    guard let tape = heldTape.baseAddress, let strings = heldStrings.baseAddress else {
      throw DecodingFault(payload: "no memory left to read it")
    }
    return JSONValue(tape: tape, strings: strings, index: 1)
  }

  private func word(_ type: Unicode.Scalar, _ payload: Int = 0) {
    tape.append(UInt64(UInt8(ascii: type)) << 56 | UInt64(payload))
  }

  private func value(_ reader: inout Reader, depth: Int) throws(DecodingFault) {
    reader.skipSpace()
    guard let byte = reader.peek else { throw reader.fault("ends where a value should stand") }
    switch byte {
    case UInt8(ascii: "{"): try container(&reader, depth: depth, isObject: true)
    case UInt8(ascii: "["): try container(&reader, depth: depth, isObject: false)
    case UInt8(ascii: "\""): try string(&reader)
    case UInt8(ascii: "t"): try literal(&reader, "true") { word("t") }
    case UInt8(ascii: "f"): try literal(&reader, "false") { word("f") }
    case UInt8(ascii: "n"): try literal(&reader, "null") { word("n") }
    case UInt8(ascii: "N"): try literal(&reader, "NaN") { unusable(0) }
    case UInt8(ascii: "I"): try literal(&reader, "Infinity") { unusable(1) }
    case UInt8(ascii: "-"), 48...57: try number(&reader)
    default: throw reader.fault("no JSON value begins like this")
    }
  }

  private func unusable(_ reason: UInt64) {
    word("x")
    tape.append(reason)
  }

  private func literal(
    _ reader: inout Reader, _ text: StaticString, _ write: () -> Void
  ) throws(DecodingFault) {
    guard reader.take(text) else { throw reader.fault("no JSON value begins like this") }
    write()
  }

  private func container(_ reader: inout Reader, depth: Int, isObject: Bool) throws(DecodingFault) {
    guard depth < nesting else {
      throw DecodingFault(
        byte: reader.at, "more than \(nesting) objects and arrays inside one another", limit: .nesting)
    }
    let close = UInt8(ascii: isObject ? "}" : "]")
    let start = tape.count
    tape.append(0)
    reader.at += 1
    reader.skipSpace()
    if reader.peek != close {
      while true {
        if isObject {
          reader.skipSpace()
          guard reader.peek == UInt8(ascii: "\"") else {
            throw reader.fault(reader.isAtEnd ? "ends inside an object" : "a key in quotes should stand here")
          }
          try string(&reader)
          reader.skipSpace()
          guard reader.peek == UInt8(ascii: ":") else { throw reader.fault("a colon should follow the key") }
          reader.at += 1
        }
        try value(&reader, depth: depth + 1)
        reader.skipSpace()
        if reader.peek == close { break }
        guard reader.peek == UInt8(ascii: ",") else {
          let place = isObject ? "object" : "array"
          throw reader.fault(
            reader.isAtEnd ? "ends inside an \(place)" : "a comma or the \(place)'s end should stand here")
        }
        reader.at += 1
      }
    }
    reader.at += 1
    word(isObject ? "}" : "]", start)
    tape[start] = UInt64(UInt8(ascii: isObject ? "{" : "[")) << 56 | UInt64(tape.count)
  }

  private func number(_ reader: inout Reader) throws(DecodingFault) {
    let start = reader.at
    if reader.take("-"), reader.peek == UInt8(ascii: "I") {
      guard reader.take("Infinity") else { throw reader.fault("no JSON value begins like this") }
      return unusable(1)
    }
    let digits = reader.skipDigits()
    guard digits > 0 else { throw reader.fault("a digit should stand here") }
    if digits > 1, reader.bytes[reader.at - digits] == UInt8(ascii: "0") {
      reader.at -= digits
      throw reader.fault("a number has no leading zero")
    }
    var isInteger = true
    if reader.take(".") {
      isInteger = false
      guard reader.skipDigits() > 0 else { throw reader.fault("a digit should follow the point") }
    }
    if let byte = reader.peek, byte | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      reader.at += 1
      if !reader.take("-") { _ = reader.take("+") }
      guard reader.skipDigits() > 0 else { throw reader.fault("a digit should stand in the exponent") }
    }
    let text = String(decoding: reader.bytes[start..<reader.at], as: UTF8.self)
    if isInteger, let integer = Int64(text) {
      word("l")
      tape.append(UInt64(bitPattern: integer))
    } else if let double = Double(text), double.isFinite {
      word("d")
      tape.append(double.bitPattern)
    } else {
      unusable(2)
    }
  }

  private func string(_ reader: inout Reader) throws(DecodingFault) {
    word("\"", strings.count)
    let header = strings.count
    strings.append(contentsOf: [0, 0, 0, 0])
    reader.at += 1
    while true {
      guard let byte = reader.peek else { throw reader.fault("ends inside a text") }
      switch byte {
      case UInt8(ascii: "\""):
        reader.at += 1
        let count = UInt32(strings.count - header - 4)
        strings.withUnsafeMutableBytes { $0.storeBytes(of: count, toByteOffset: header, as: UInt32.self) }
        return
      case UInt8(ascii: "\\"): try escape(&reader)
      case 0..<0x20: throw reader.fault("a control character or line end inside a text")
      default:
        strings.append(byte)
        reader.at += 1
      }
    }
  }

  private func escape(_ reader: inout Reader) throws(DecodingFault) {
    reader.at += 1
    guard let byte = reader.peek else { throw reader.fault("ends inside a text") }
    reader.at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): strings.append(byte)
    case UInt8(ascii: "b"): strings.append(0x08)
    case UInt8(ascii: "f"): strings.append(0x0c)
    case UInt8(ascii: "n"): strings.append(0x0a)
    case UInt8(ascii: "r"): strings.append(0x0d)
    case UInt8(ascii: "t"): strings.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hex(&reader)
      if (0xd800..<0xdc00).contains(code), reader.take("\\u") {
        let low = try hex(&reader)
        guard (0xdc00..<0xe000).contains(low) else { throw reader.fault("half of a surrogate pair") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw reader.fault("half of a surrogate pair") }
      strings.append(contentsOf: UTF8.encode(scalar) ?? .init())
    default:
      reader.at -= 1
      throw reader.fault("no such escape")
    }
  }

  private func hex(_ reader: inout Reader) throws(DecodingFault) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = reader.peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw reader.fault("four hexadecimal digits should stand here")
      }
      code = code << 4 | UInt32(digit)
      reader.at += 1
    }
    return code
  }

  private struct Reader {
    let bytes: UnsafeRawBufferPointer
    var at = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { at >= bytes.count }
    var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

    mutating func skipSpace() {
      while at < bytes.count, [0x20, 0x0a, 0x0d, 0x09].contains(bytes[at]) { at += 1 }
    }

    mutating func skipDigits() -> Int {
      let start = at
      while at < bytes.count, bytes[at].isDigit { at += 1 }
      return at - start
    }

    mutating func take(_ text: StaticString) -> Bool {
      let end = at + text.utf8CodeUnitCount
      guard end <= bytes.count, UnsafeRawBufferPointer(rebasing: bytes[at..<end]).equals(text) else { return false }
      at = end
      return true
    }

    func fault(_ reason: String) -> DecodingFault { DecodingFault(byte: at, reason) }
  }
}
