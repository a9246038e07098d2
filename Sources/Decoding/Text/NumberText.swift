/// A number as people and scripts write it: `27,5`, `33C`, `-5.22dBm`, `9.0%`, `1.234,5`.
struct NumberText {
  let value: Double
  /// What follows the number, without spaces around it; empty where nothing does.
  let suffix: Slice<UnsafeRawBufferPointer>

  /// `nil` where the text does not begin with a number, or the number is beyond what a double holds.
  ///
  /// A single `.` or `,` is the decimal separator. Where both stand, the last one is, and the other one groups
  /// thousands in threes. Several of one kind alone are no number: that is an address, a date or a version.
  init?(_ bytes: UnsafeRawBufferPointer) {
    var at = 0
    var end = bytes.count
    while at < end, NumberText.isSpace(bytes[at]) { at += 1 }
    while end > at, NumberText.isSpace(bytes[end - 1]) { end -= 1 }
    let start = at
    if at < end, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") { at += 1 }
    guard let parts = Separators(bytes, from: at, to: end) else { return nil }
    var plain: [UInt8] = []
    plain.reserveCapacity(parts.end - start + 8)
    if bytes[start] == UInt8(ascii: "-") { plain.append(UInt8(ascii: "-")) }
    for position in at..<parts.end {
      let byte = bytes[position]
      if position == parts.decimal {
        plain.append(UInt8(ascii: "."))
      } else if byte &- 48 < 10 {
        plain.append(byte)
      }
    }
    at = parts.end
    if let exponentEnd = NumberText.exponent(bytes, at, end) {
      plain.append(contentsOf: bytes[at..<exponentEnd])
      at = exponentEnd
    }
    guard let value = plain.withUnsafeBytes(NumberText.double), value.isFinite else { return nil }
    while at < end, NumberText.isSpace(bytes[at]) { at += 1 }
    self.value = value
    suffix = bytes[at..<end]
  }

  /// Digits with separators, and which of these is the decimal one.
  private struct Separators {
    var end: Int
    var decimal = -1

    init?(_ bytes: UnsafeRawBufferPointer, from start: Int, to limit: Int) {
      var at = start
      var digits = 0
      var points: [Int] = []
      var commas: [Int] = []
      scan: while at < limit {
        switch bytes[at] {
        case 48...57: digits += 1
        case UInt8(ascii: "."): points.append(at)
        case UInt8(ascii: ","): commas.append(at)
        default: break scan
        }
        at += 1
      }
      end = at
      guard digits > 0 else { return nil }
      if points.count + commas.count <= 1 {
        decimal = points.first ?? commas.first ?? -1
      } else if let point = points.last, let comma = commas.last {
        let (groups, decimals) = point < comma ? (points, commas) : (commas, points)
        guard decimals.count == 1, groups[0] > start, groups[0] - start <= 3 else { return nil }
        decimal = decimals[0]
        for (group, next) in zip(groups, groups.dropFirst() + [decimal]) where next - group != 4 { return nil }
      } else {
        return nil
      }
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

  /// The end of an exponent that begins at `at`. `5E` and `5e+` have none: the letter belongs to the suffix.
  private static func exponent(_ bytes: UnsafeRawBufferPointer, _ at: Int, _ end: Int) -> Int? {
    guard at < end, bytes[at] | 0x20 == UInt8(ascii: "e") else { return nil }
    var next = at + 1
    if next < end, bytes[next] == UInt8(ascii: "-") || bytes[next] == UInt8(ascii: "+") { next += 1 }
    let digits = next
    while next < end, bytes[next] &- 48 < 10 { next += 1 }
    return next > digits ? next : nil
  }

  /// A plain decimal number that fills the bytes; `nil` for anything else. May be infinite.
  static func double(_ bytes: UnsafeRawBufferPointer) -> Double? {
    var at = 0
    let negative = bytes.first == UInt8(ascii: "-")
    if negative { at = 1 }
    var mantissa: Int64 = 0
    var digits = 0
    var fraction = 0
    var seenPoint = false
    while at < bytes.count {
      let byte = bytes[at]
      if byte &- 48 < 10 {
        guard digits < 15 else { return slow(bytes) }
        mantissa = mantissa * 10 + Int64(byte - 48)
        digits += 1
        if seenPoint { fraction += 1 }
      } else if byte == UInt8(ascii: "."), !seenPoint {
        seenPoint = true
      } else {
        return slow(bytes)
      }
      at += 1
    }
    guard digits > 0 else { return nil }
    // Both are exact below 2^53 and 10^22, so that the quotient is the nearest double.
    let value = Double(mantissa) / powersOfTen[fraction]
    return negative ? -value : value
  }

  private static func slow(_ bytes: UnsafeRawBufferPointer) -> Double? {
    guard bytes.count <= 400, bytes.allSatisfy({ isNumberByte($0) }) else { return nil }
    return Double(String(decoding: bytes, as: UTF8.self))
  }

  /// Keeps out what `Double` reads besides decimal numbers: `nan`, `inf`, `0x1p3`.
  private static func isNumberByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): true
    default: false
    }
  }

  private static let powersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
  ]
}
