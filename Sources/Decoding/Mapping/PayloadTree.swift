/// Turns a payload into a tree of values, whatever it is: JSON, XML (see `XMLReader`), or one text. A tree is valid
/// until the next one is made.
final class PayloadTree {
  private let tape = TapeBuilder()

  func parse(_ payload: UnsafeRawBufferPointer, _ message: Message) throws(DecodingFault) -> JSONValue {
    let text = payload.trimmed
    guard let first = text.first else { throw DecodingFault(byte: 0, "nothing but white space") }
    switch first {
    case UInt8(ascii: "{"), UInt8(ascii: "["): return try message.json.parse(payload)
    case UInt8(ascii: "<"):
      if let invalid = UTF8Check.firstInvalid(payload) { throw DecodingFault(byte: invalid, "invalid UTF-8") }
      return try XMLReader(limits: message.limits).read(payload, tape)
    default:
      if let invalid = UTF8Check.firstInvalid(payload) { throw DecodingFault(byte: invalid, "invalid UTF-8") }
      tape.begin()
      tape.text(unquoted(text))
      return tape.root
    }
  }

  /// One bare JSON text is a value, too.
  private func unquoted(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    guard text.count >= 2, text.first == UInt8(ascii: "\""), text.last == text.first,
      !text.contains(UInt8(ascii: "\\"))
    else { return text }
    return UnsafeRawBufferPointer(rebasing: text.dropFirst().dropLast()).trimmed
  }
}
