import Decoding

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

  init(_ payload: UnsafeRawBufferPointer) {
    guard let first = payload.first(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0a && $0 != 0x0d }) else {
      self = .empty
      return
    }
    if Base64Payload.fills(payload) || payload.contains(0) || String(validating: payload, as: UTF8.self) == nil {
      self = .binary
      return
    }
    switch first {
    case UInt8(ascii: "{"), UInt8(ascii: "["): self = .document
    case UInt8(ascii: "<"): self = .markup
    default: self = .text
    }
  }
}
