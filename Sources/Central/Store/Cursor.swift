/// The key of the last result of a page, as an opaque word for a query parameter.
///
/// It names a place in the order and not a count of results, so that what arrives between two pages moves nothing.
public struct Cursor: Sendable, Equatable {
  public var fields: [String]

  public init(_ fields: [String]) { self.fields = fields }

  /// `nil` for anything that `text` has not made; bounds are the caller's business.
  public init?(text: String) {
    let digits = Array(text.utf8)
    guard !digits.isEmpty, digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = JSONText.hexDigit(digits[index]), let low = JSONText.hexDigit(digits[index + 1]) else {
        return nil
      }
      bytes.append(UInt8(high << 4 | low))
    }
    guard JSONScanner.isUTF8(bytes) else { return nil }
    // Names hold no NUL, so it separates.
    fields = bytes.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
  }

  public var text: String {
    let hex = Array("0123456789abcdef".utf8)
    var digits: [UInt8] = []
    for (index, field) in fields.enumerated() {
      for byte in (index == 0 ? [] : [0]) + Array(field.utf8) {
        digits.append(hex[Int(byte >> 4)])
        digits.append(hex[Int(byte & 15)])
      }
    }
    return String(decoding: digits, as: UTF8.self)
  }

  /// The field as a whole number; `nil` where there is none.
  func integer(_ index: Int) -> Int64? { index < fields.count ? Int64(fields[index]) : nil }
}
