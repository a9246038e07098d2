/// What a payload is at first sight, before anybody reads it.
public enum PayloadKind: Sendable, Hashable {
  case empty
  /// Begins like a JSON object or array.
  case document
  /// Begins like XML.
  case markup
  /// Some other text.
  case text
  /// An image, compressed data, base64, or simply no UTF-8: never kept, but for Sparkplug's.
  case binary

  /// From this length on, a text of nothing but base64's characters is an image or the like; no word is as long.
  private static let base64From = 256

  init(_ payload: UnsafeRawBufferPointer) {
    guard let first = payload.first(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0a && $0 != 0x0d }) else {
      self = .empty
      return
    }
    let isBase64 = payload.count >= PayloadKind.base64From && payload.allSatisfy(PayloadKind.isBase64)
    if isBase64 || payload.contains(0) || String(validating: payload, as: UTF8.self) == nil {
      self = .binary
      return
    }
    switch first {
    case UInt8(ascii: "{"), UInt8(ascii: "["): self = .document
    case UInt8(ascii: "<"): self = .markup
    default: self = .text
    }
  }

  private static func isBase64(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="), 0x0a, 0x0d:
      true
    default: false
    }
  }
}
