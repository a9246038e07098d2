/// RFC 6901: `/a/b~1c/0`.
struct JSONPointer: Hashable {
  /// Unescaped.
  let tokens: [[UInt8]]

  /// `nil` where the text is not empty and doesn't begin with `/`, or has a `~` that is neither `~0` nor `~1`.
  init?(_ text: String) {
    guard text.isEmpty || text.hasPrefix("/") else { return nil }
    var tokens: [[UInt8]] = []
    for part in text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst() {
      var token: [UInt8] = []
      var escaped = false
      for byte in part {
        if escaped {
          guard byte == UInt8(ascii: "0") || byte == UInt8(ascii: "1") else { return nil }
          token.append(byte == UInt8(ascii: "0") ? UInt8(ascii: "~") : UInt8(ascii: "/"))
          escaped = false
        } else if byte == UInt8(ascii: "~") {
          escaped = true
        } else {
          token.append(byte)
        }
      }
      guard !escaped else { return nil }
      tokens.append(token)
    }
    self.tokens = tokens
  }

  init(token: [UInt8]) { tokens = [token] }

  static func escape(_ token: String) -> String {
    guard token.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else { return token }
    var out = ""
    for scalar in token.unicodeScalars {
      switch scalar {
      case "~": out += "~0"
      case "/": out += "~1"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// An array index as the RFC has it: no sign, no leading zero.
  static func arrayIndex(_ token: some Collection<UInt8>) -> Int? {
    guard let first = token.first, token.count <= 9, token.allSatisfy(\.isDigit),
      first != UInt8(ascii: "0") || token.count == 1
    else { return nil }
    return token.reduce(0) { $0 * 10 + Int($1 - 48) }
  }
}
