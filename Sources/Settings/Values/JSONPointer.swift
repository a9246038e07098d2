/// The syntax of JSON Pointer (RFC 6901); following one through a payload is decoding's work.
enum JSONPointer {
  /// What is wrong with it, and the pointer that was probably meant; `nil` where nothing is.
  static func fault(in text: String) -> (message: String, meant: String?)? {
    guard !text.isEmpty else { return nil }
    guard text.hasPrefix("/") else {
      let path = text.hasPrefix("$.") ? String(text.dropFirst(2)) : text
      let steps = path.split(separator: ".").joined(separator: "/")
      return ("\(quoted(text)) is no JSON Pointer: it must begin with /", steps.isEmpty ? nil : "/" + steps)
    }
    var previous: UInt8 = 0
    for byte in text.utf8 {
      if previous == UInt8(ascii: "~"), byte != UInt8(ascii: "0"), byte != UInt8(ascii: "1") {
        return ("\(quoted(text)) is no JSON Pointer: ~ must be written ~0, and a / inside a name ~1", nil)
      }
      previous = byte
    }
    if previous == UInt8(ascii: "~") { return ("\(quoted(text)) is no JSON Pointer: it ends in a lone ~", nil) }
    return nil
  }
}
