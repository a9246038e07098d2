/// The `HOST[:PORT]` of an address.
struct Authority {
  /// An IPv6 address without its brackets.
  let host: String
  let port: Int?

  init?(_ text: some StringProtocol) {
    let portText: Substring?
    if text.hasPrefix("[") {
      guard let close = text.firstIndex(of: "]") else { return nil }
      host = String(text[text.index(after: text.startIndex)..<close])
      let rest = Substring(text[text.index(after: close)...])
      guard host.contains(":"), host.utf8.allSatisfy({ Authority.isHex($0) || $0 == 0x3a || $0 == 0x2e }) else {
        return nil
      }
      guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
      portText = rest.isEmpty ? nil : rest.dropFirst()
    } else {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count <= 2, let first = parts.first else { return nil }
      host = String(first)
      guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(Authority.isNameByte) else { return nil }
      portText = parts.count == 2 ? Substring(parts[1]) : nil
    }
    if let portText {
      guard !portText.isEmpty, portText.utf8.allSatisfy({ $0 &- 48 < 10 }), let number = UInt16(portText) else {
        return nil
      }
      port = Int(number)
    } else {
      port = nil
    }
  }

  private static func isHex(_ byte: UInt8) -> Bool { byte &- 48 < 10 || (byte | 0x20) &- 97 < 6 }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    byte &- 48 < 10 || (byte | 0x20) &- 97 < 26 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
      || byte == UInt8(ascii: "_")
  }
}
