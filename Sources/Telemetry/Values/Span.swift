/// A length of time in nanoseconds.
///
/// Not `Duration`: this one is eight bytes, trivially stored, and reads and prints as the configuration writes it.
public struct Span: Hashable, Comparable, Sendable {
  public var nanoseconds: Int64

  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
  public static func milliseconds(_ count: Int64) -> Span { Span(nanoseconds: count * 1_000_000) }
  public static func seconds(_ count: Int64) -> Span { Span(nanoseconds: count * 1_000_000_000) }
  public static func minutes(_ count: Int64) -> Span { .seconds(count * 60) }
  public static func hours(_ count: Int64) -> Span { .seconds(count * 3600) }
  public static let zero = Span(nanoseconds: 0)

  public static func < (a: Span, b: Span) -> Bool { a.nanoseconds < b.nanoseconds }

  public var seconds: Double { Double(nanoseconds) / 1e9 }
  public var milliseconds: Int64 { nanoseconds / 1_000_000 }

  private static let units: [(suffix: String, nanoseconds: Int64)] = [
    ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
    ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
  ]

  /// Reads `200ms`, `30s`, `5m`, `24h`, `7d`, `1.5h`; `nil` for anything else, negative ones included.
  public init?(_ text: some StringProtocol) {
    guard let (number, suffix) = splitQuantity(text),
      let unit = Span.units.first(where: { $0.suffix == suffix })
    else { return nil }
    let value = number * Double(unit.nanoseconds)
    guard value < 9.2e18 else { return nil }
    nanoseconds = Int64(value.rounded())
  }
}

extension Span: CustomStringConvertible {
  /// In the largest unit that divides it: `90s`, `5m`.
  public var description: String {
    guard nanoseconds != 0 else { return "0s" }
    for unit in Span.units where nanoseconds % unit.nanoseconds == 0 {
      return "\(nanoseconds / unit.nanoseconds)\(unit.suffix)"
    }
    return "\(nanoseconds)ns"
  }
}

/// `12.5MiB` → (12.5, "MiB"). The number is plain decimal digits with at most one point: no sign, no exponent.
func splitQuantity(_ text: some StringProtocol) -> (number: Double, suffix: String)? {
  let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
  guard !digits.isEmpty, let number = Double(String(digits)), number.isFinite else { return nil }
  return (number, String(text[digits.endIndex...]))
}
