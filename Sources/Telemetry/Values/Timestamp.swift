/// A point in time: nanoseconds since the Unix epoch, UTC, leap seconds ignored as POSIX does.
///
/// The range is 1677-09-21 to 2262-04-11. Conversions from outside saturate instead of trapping.
public struct Timestamp: Hashable, Comparable, Sendable {
  public var nanoseconds: Int64

  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  public init(milliseconds: Int64) {
    let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
    nanoseconds = overflow ? (milliseconds < 0 ? .min : .max) : product
  }

  /// `seconds` may be fractional; the result is rounded to microseconds, since a double holds no more of an
  /// epoch time. `nil` where it is no number, or out of range.
  public init?(seconds: Double) {
    let micros = (seconds * 1e6).rounded()
    guard micros.isFinite, abs(micros) < 9.2e15 else { return nil }
    nanoseconds = Int64(micros) * 1000
  }

  public static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanoseconds < b.nanoseconds }

  /// Whole milliseconds since the epoch, rounded down.
  public var milliseconds: Int64 { nanoseconds.flooredQuotient(1_000_000) }

  public var seconds: Double { Double(nanoseconds) / 1e9 }

  public static func + (a: Timestamp, b: Span) -> Timestamp {
    let (sum, overflow) = a.nanoseconds.addingReportingOverflow(b.nanoseconds)
    return Timestamp(nanoseconds: overflow ? (b.nanoseconds < 0 ? .min : .max) : sum)
  }

  public static func - (a: Timestamp, b: Span) -> Timestamp { a + Span(nanoseconds: -b.nanoseconds) }

  public static func - (a: Timestamp, b: Timestamp) -> Span {
    let (difference, overflow) = a.nanoseconds.subtractingReportingOverflow(b.nanoseconds)
    return Span(nanoseconds: overflow ? (a < b ? .min : .max) : difference)
  }

  /// The start of the window of length `length` that holds this time; windows are aligned to the epoch.
  public func floored(to length: Span) -> Timestamp {
    Timestamp(nanoseconds: nanoseconds.flooredQuotient(length.nanoseconds) * length.nanoseconds)
  }
}

extension Int64 {
  /// Division that rounds towards negative infinity; `divisor` is positive.
  public func flooredQuotient(_ divisor: Int64) -> Int64 {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
