enum UTF8Check {
  /// Where the first byte stands that is not part of well-formed UTF-8 (Unicode 15, table 3-7); `nil` where all are.
  static func firstInvalid(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var at = 0
    while at < bytes.count {
      // Most texts are ASCII, eight bytes at a time.
      if at + 8 <= bytes.count,
        bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
      {
        at += 8
        continue
      }
      let lead = bytes[at]
      if lead < 0x80 {
        at += 1
        continue
      }
      let length: Int
      var second: ClosedRange<UInt8> = 0x80...0xbf
      switch lead {
      case 0xc2...0xdf: length = 2
      case 0xe0: (length, second) = (3, 0xa0...0xbf)
      case 0xed: (length, second) = (3, 0x80...0x9f)
      case 0xe1...0xef: length = 3
      case 0xf0: (length, second) = (4, 0x90...0xbf)
      case 0xf1...0xf3: length = 4
      case 0xf4: (length, second) = (4, 0x80...0x8f)
      default: return at
      }
      guard at + length <= bytes.count, second.contains(bytes[at + 1]) else { return at }
      for next in 2..<max(length, 2) where bytes[at + next] & 0xc0 != 0x80 { return at }
      at += length
    }
    return nil
  }
}
