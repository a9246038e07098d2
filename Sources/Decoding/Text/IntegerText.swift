enum IntegerText {
  /// Decimal digits with an optional sign; `nil` for anything else, and where 64 bits are too few.
  static func parse(_ bytes: UnsafeRawBufferPointer) -> Int64? {
    var at = 0
    let negative = bytes.first == UInt8(ascii: "-")
    if negative { at = 1 }
    guard at < bytes.count, bytes.count <= 20 else { return nil }
    var value: Int64 = 0
    while at < bytes.count {
      guard bytes[at].isDigit else { return nil }
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      let digit = Int64(bytes[at] - 48)
      let (next, carry) =
        negative ? shifted.subtractingReportingOverflow(digit) : shifted.addingReportingOverflow(digit)
      guard !overflow, !carry else { return nil }
      value = next
      at += 1
    }
    return value
  }
}
