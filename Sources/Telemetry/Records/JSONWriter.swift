/// Appends JSON to a buffer. Only what our records need; numbers are finite by construction of `Observation`,
/// and a value that is not is written as `null`.
public struct JSONWriter {
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  public init() {}

  public var text: String { String(decoding: bytes, as: UTF8.self) }

  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    needsComma = false
  }

  public mutating func object(_ body: (inout JSONWriter) -> Void) { nest("{", "}", body) }
  public mutating func array(_ body: (inout JSONWriter) -> Void) { nest("[", "]", body) }

  public mutating func object(_ key: String, _ body: (inout JSONWriter) -> Void) {
    name(key)
    nest("{", "}", body)
  }

  public mutating func array(_ key: String, _ body: (inout JSONWriter) -> Void) {
    name(key)
    nest("[", "]", body)
  }

  public mutating func field(_ key: String, _ value: String) {
    name(key)
    string(value)
  }

  public mutating func field(_ key: String, _ value: Double) {
    name(key)
    number(value)
  }

  public mutating func field(_ key: String, _ value: Int64) {
    name(key)
    integer(value)
  }

  public mutating func field(_ key: String, _ value: Int) { field(key, Int64(value)) }

  public mutating func field(_ key: String, _ value: Bool) {
    name(key)
    separate()
    raw(value ? "true" : "false")
  }

  public mutating func field(_ key: String, _ value: Timestamp) {
    name(key)
    separate()
    bytes.append(UInt8(ascii: "\""))
    RFC3339.append(value, to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  /// `json` is already JSON.
  public mutating func field(_ key: String, json: some Sequence<UInt8>) {
    name(key)
    separate()
    bytes.append(contentsOf: json)
  }

  public mutating func element(_ value: String) { string(value) }
  public mutating func element(_ value: Double) { number(value) }

  public mutating func element(json: some Sequence<UInt8>) {
    separate()
    bytes.append(contentsOf: json)
  }

  private mutating func name(_ key: String) {
    string(key)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  private mutating func nest(_ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout JSONWriter) -> Void) {
    separate()
    bytes.append(UInt8(ascii: open))
    needsComma = false
    body(&self)
    bytes.append(UInt8(ascii: close))
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func raw(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func integer(_ value: Int64) {
    separate()
    JSONWriter.append(value, to: &bytes)
  }

  private mutating func number(_ value: Double) {
    separate()
    if value.isFinite {
      JSONWriter.append(value, to: &bytes)
    } else {
      raw("null")
    }
  }

  /// The shortest digits that read back as the same double; whole numbers below 10^15 without a point.
  public static func append(_ value: Double, to bytes: inout [UInt8]) {
    if value == value.rounded(.towardZero), abs(value) < 1e15 {
      append(Int64(value), to: &bytes)
    } else {
      bytes.append(contentsOf: value.description.utf8)
    }
  }

  private static func append(_ value: Int64, to bytes: inout [UInt8]) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    var rest = value.magnitude
    // 2^64 has twenty digits.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var first = digits.count
      repeat {
        first -= 1
        digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[first...]))
    }
  }

  private mutating func string(_ value: String) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    var value = value
    value.withUTF8 { text in
      // Whole runs at once: next to no byte needs an escape.
      var run = 0
      for index in text.indices where JSONWriter.isEscaped(text[index]) {
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[run..<index]))
        escape(text[index])
        run = index + 1
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[run...]))
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func isEscaped(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == 0x7f || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    case 0x0a: raw(#"\n"#)
    case 0x0d: raw(#"\r"#)
    case 0x09: raw(#"\t"#)
    default:
      raw(#"\u00"#)
      bytes.append(JSONWriter.hex[Int(byte >> 4)])
      bytes.append(JSONWriter.hex[Int(byte & 15)])
    }
  }

  private static let hex = Array("0123456789abcdef".utf8)
}
