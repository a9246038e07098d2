import CCrypto

/// UUIDs made from names (RFC 9562, version 5): the same name gives the same UUID on every machine, for ever.
public enum NamedUUID {
  /// The namespace of everything that Lumbung names; made once, at random.
  private static let namespace: [UInt8] = [
    0x6c, 0x75, 0x6d, 0x62, 0x75, 0x6e, 0x47, 0x67, 0x8a, 0x11, 0x5d, 0x3c, 0x02, 0x9e, 0x47, 0xf1,
  ]

  /// `parts` are joined by a zero byte, so that no two lists of parts without one give the same name.
  public static func make(_ parts: [String]) -> String {
    var input = namespace
    for part in parts {
      input.append(contentsOf: part.utf8)
      input.append(0)
    }
    var digest = [UInt8](repeating: 0, count: 20)
    _ = SHA1(input, input.count, &digest)
    digest[6] = digest[6] & 0x0f | 0x50
    digest[8] = digest[8] & 0x3f | 0x80
    return format(digest.prefix(16))
  }

  /// A random UUID (version 4).
  public static func random() -> String {
    var generator = SystemRandomNumberGenerator()
    var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    bytes[6] = bytes[6] & 0x0f | 0x40
    bytes[8] = bytes[8] & 0x3f | 0x80
    return format(bytes[...])
  }

  private static func format(_ bytes: ArraySlice<UInt8>) -> String {
    var text = ""
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { text += "-" }
      text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return text
  }
}
