/// Tells payloads that are nothing but base64.
public enum Base64Payload {
  /// From this length on, a text of nothing but base64's characters is an image or the like; no word is as long.
  private static let shortest = 256

  public static func fills(_ payload: UnsafeRawBufferPointer) -> Bool {
    payload.count >= shortest && payload.allSatisfy(isCharacter)
  }

  /// With padding and line ends.
  private static func isCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="), 0x0a, 0x0d:
      true
    default: false
    }
  }
}
