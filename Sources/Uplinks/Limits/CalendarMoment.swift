import Telemetry

/// What the calendar on the gateway's wall says.
public struct CalendarMoment: Sendable, Equatable {
  /// Months since the year 0: `year * 12 + month - 1`.
  public var month: Int64
  /// Minutes since midnight.
  public var minute: Int
  /// Seconds into that minute.
  public var second: Int
  /// Whether the clock may be believed. Nothing is held back, and no month begun, on the word of one that may not.
  public var isTrusted: Bool

  /// - Parameter offset: of the gateway's time zone, east of UTC.
  public init(wall: Timestamp, offset: Span, isTrusted: Bool) {
    let seconds = (wall + offset).nanoseconds.flooredQuotient(1_000_000_000)
    let days = seconds.flooredQuotient(86_400)
    let date = CivilDate(daysSinceEpoch: days)
    month = Int64(date.year) * 12 + Int64(date.month) - 1
    minute = Int((seconds - days * 86_400) / 60)
    second = Int((seconds - days * 86_400) % 60)
    self.isTrusted = isTrusted
  }
}
