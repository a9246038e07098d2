/// Reads single values out of ranges that a `JSONScanner` handed out. `nil` means "not of that kind".
enum JSONText {
  static let escapes: [UInt8: UInt8] = [
    UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
    UInt8(ascii: "/"): UInt8(ascii: "/"), UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0c,
    UInt8(ascii: "n"): 0x0a, UInt8(ascii: "r"): 0x0d, UInt8(ascii: "t"): 0x09,
  ]

  /// The string's characters; `nil` also where an escape is half of a surrogate pair.
  static func string(_ bytes: [UInt8], _ range: Range<Int>) -> String? {
    guard range.count >= 2, bytes[range.lowerBound] == UInt8(ascii: "\"") else { return nil }
    let inner = range.dropFirst().dropLast()
    let slice = bytes[inner.startIndex..<inner.endIndex]
    guard slice.contains(UInt8(ascii: "\\")) else { return String(decoding: slice, as: UTF8.self) }
    var scalars = String.UnicodeScalarView()
    var plain: [UInt8] = []
    var at = slice.startIndex
    while at < slice.endIndex {
      guard slice[at] == UInt8(ascii: "\\") else {
        plain.append(slice[at])
        at += 1
        continue
      }
      let letter = slice[at + 1]
      if let byte = escapes[letter] {
        plain.append(byte)
        at += 2
        continue
      }
      guard let scalar = unicodeEscape(slice, &at) else { return nil }
      scalars.append(contentsOf: String(decoding: plain, as: UTF8.self).unicodeScalars)
      plain.removeAll()
      scalars.append(scalar)
    }
    scalars.append(contentsOf: String(decoding: plain, as: UTF8.self).unicodeScalars)
    return String(scalars)
  }

  /// A whole number written without a point or an exponent, within 64 bits.
  static func integer(_ bytes: [UInt8], _ range: Range<Int>) -> Int64? {
    guard let first = bytes[range].first, first == UInt8(ascii: "-") || first &- UInt8(ascii: "0") < 10 else {
      return nil
    }
    return Int64(String(decoding: bytes[range], as: UTF8.self))
  }

  static func boolean(_ bytes: [UInt8], _ range: Range<Int>) -> Bool? {
    switch bytes[range].first {
    case UInt8(ascii: "t"): true
    case UInt8(ascii: "f"): false
    default: nil
    }
  }

  static func isObject(_ bytes: [UInt8], _ range: Range<Int>) -> Bool { bytes[range].first == UInt8(ascii: "{") }

  static func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  /// Reads `\uXXXX`, or a surrogate pair of two of them, at `at`.
  private static func unicodeEscape(_ slice: ArraySlice<UInt8>, _ at: inout Int) -> Unicode.Scalar? {
    guard let first = codeUnit(slice, at) else { return nil }
    at += 6
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xdc00, let second = codeUnit(slice, at), (0xdc00...0xdfff).contains(second) else { return nil }
    at += 6
    return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
  }

  private static func codeUnit(_ slice: ArraySlice<UInt8>, _ at: Int) -> UInt32? {
    guard at + 6 <= slice.endIndex, slice[at] == UInt8(ascii: "\\"), slice[at + 1] == UInt8(ascii: "u") else {
      return nil
    }
    var value: UInt32 = 0
    for byte in slice[at + 2..<at + 6] {
      guard let digit = hexDigit(byte) else { return nil }
      value = value << 4 | digit
    }
    return value
  }
}
