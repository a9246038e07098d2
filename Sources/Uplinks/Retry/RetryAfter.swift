import Telemetry

/// Reads the `Retry-After` header: seconds, or a date as RFC 9110 has it.
enum RetryAfter {
  /// - Parameters:
  ///   - date: The answer's own `Date` header. A date to wait for is the server's time, and a box without a clock
  ///     battery had better measure it against the server's clock than its own.
  ///   - wall: The box's clock, for answers without a date.
  /// - Returns: `nil` where the header can't be read; zero for a time that is over.
  static func parse(_ value: String, date: String?, wall: Timestamp) -> Span? {
    let value = value.trimmed
    if !value.isEmpty, value.utf8.allSatisfy({ (48...57).contains($0) }) {
      // Whoever sends more digits than that means "a very long time", which the machine bounds.
      return value.utf8.count <= 9 ? Int64(value).map(Span.seconds) : .hours(24 * 365)
    }
    guard let until = HTTPDate.parse(value) else { return nil }
    let now = date.flatMap(HTTPDate.parse) ?? wall
    return max(.zero, until - now)
  }
}

extension StringProtocol {
  var trimmed: String {
    var slice = self[...]
    while slice.first?.isWhitespace == true { slice.removeFirst() }
    while slice.last?.isWhitespace == true { slice.removeLast() }
    return String(slice)
  }
}
