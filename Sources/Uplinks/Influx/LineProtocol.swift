import Telemetry

/// InfluxDB's line protocol, written so that any reader of it takes it for what it is.
struct LineProtocol {
  private(set) var bytes: [UInt8] = []
  private var needsComma = false

  enum Field {
    case number(Double)
    case text(String)
  }

  /// One point. Tags without a value and fields that are no finite number are left out; without any field the point is.
  ///
  /// - Parameter milliseconds: since the epoch.
  mutating func point(
    _ measurement: String, tags: [(String, String?)], fields: [(String, Field)], milliseconds: Int64
  ) {
    let fields = fields.filter { if case .number(let value) = $0.1 { value.isFinite } else { true } }
    guard !fields.isEmpty else { return }
    escape(measurement, ",  ")
    for (key, value) in tags {
      guard let value, !value.isEmpty else { continue }
      bytes.append(UInt8(ascii: ","))
      escape(key, ",= ")
      bytes.append(UInt8(ascii: "="))
      escape(value, ",= ")
    }
    needsComma = false
    for (key, value) in fields {
      bytes.append(needsComma ? UInt8(ascii: ",") : UInt8(ascii: " "))
      needsComma = true
      escape(key, ",= ")
      bytes.append(UInt8(ascii: "="))
      switch value {
      // Always as a float: a field has one type for ever, and a count may come as 4 or as 4.5.
      case .number(let value): bytes.append(contentsOf: value.description.utf8)
      case .text(let text): quote(text)
      }
    }
    bytes.append(UInt8(ascii: " "))
    bytes.append(contentsOf: String(milliseconds).utf8)
    bytes.append(UInt8(ascii: "\n"))
  }

  /// A backslash stands for itself but before what it would escape; at the end it would escape what follows.
  private mutating func escape(_ text: String, _ special: StaticString) {
    let special = UnsafeBufferPointer(start: special.utf8Start, count: special.utf8CodeUnitCount)
    for byte in text.utf8 {
      switch byte {
      case 0..<0x20, 0x7f: bytes.append(contentsOf: "\\ ".utf8)
      case _ where special.contains(byte):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      default: bytes.append(byte)
      }
    }
    if text.utf8.last == UInt8(ascii: "\\") { bytes[bytes.count - 1] = UInt8(ascii: "/") }
  }

  private mutating func quote(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      // A line ends where one ends, for readers that split before they read.
      case 0..<0x20: bytes.append(UInt8(ascii: " "))
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
