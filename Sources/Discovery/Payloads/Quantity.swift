/// A number as devices write it: `24.8`, `31,5`, `-19.43 dBm`, `"9.0%"`.
struct Quantity: Hashable {
  let value: Double
  /// What stands behind the number; empty where nothing does.
  let unit: String

  init(value: Double, unit: String) {
    self.value = value
    self.unit = unit
  }

  /// `nil` where the text is none: `OL CHRG`, `12:30`, `2.8.1`.
  init?(_ text: some StringProtocol) {
    let trimmed = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    guard !trimmed.isEmpty, trimmed.utf8.count <= 40 else { return nil }
    let number = trimmed.prefix { "+-0123456789.,eE".contains($0) }
    var digits = String(number.map { $0 == "," ? "." : $0 })
    var rest = trimmed[number.endIndex...]
    // An e may belong to what follows.
    while let last = digits.last, last == "e" || last == "E" {
      digits.removeLast()
      rest = trimmed[trimmed.index(trimmed.startIndex, offsetBy: digits.count)...]
    }
    guard let value = Double(digits), value.isFinite else { return nil }
    let unit = rest.drop { $0 == " " }
    guard unit.count <= 8, !unit.contains(where: { $0.isNumber || $0 == " " || $0 == ":" || $0 == "." }) else {
      return nil
    }
    self.init(value: value, unit: String(unit))
  }
}
