import Telemetry

/// Time as a device's own clock face shows it: western Indonesian time (UTC+7), which has no summer time.
struct LocalTime {
  let date: CivilDate
  let hour: Int
  let minute: Int
  let second: Int
  private let weekday: Int

  init(_ time: Timestamp) {
    let local = time.nanoseconds.flooredQuotient(1_000_000_000) + 7 * 3600
    let days = local.flooredQuotient(86_400)
    let rest = Int(local - days * 86_400)
    date = CivilDate(daysSinceEpoch: days)
    hour = rest / 3600
    minute = rest / 60 % 60
    second = rest % 60
    // The epoch was a Thursday.
    weekday = Int((days + 4) - (days + 4).flooredQuotient(7) * 7)
  }

  private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// `2026-11-22T10:40:12`: which zone is left to the reader.
  func writeNaive(to out: inout PayloadWriter) {
    out.padded(date.year, 4)
    out.text("-")
    out.padded(date.month, 2)
    out.text("-")
    out.padded(date.day, 2)
    out.text("T")
    writeClock(to: &out)
  }

  /// `Sun Nov 22`
  func writeDay(to out: inout PayloadWriter) {
    out.string(LocalTime.weekdays[weekday])
    out.text(" ")
    out.string(LocalTime.months[date.month - 1])
    out.text(" ")
    out.padded(date.day, 2)
  }

  /// `Sun Nov 22 10:40:12 WIB 2026`
  func writeLong(to out: inout PayloadWriter) {
    writeDay(to: &out)
    out.text(" ")
    writeClock(to: &out)
    out.text(" WIB ")
    out.padded(date.year, 4)
  }

  /// `10:40 AM`
  func writeTwelveHours(to out: inout PayloadWriter) {
    out.padded(hour % 12 == 0 ? 12 : hour % 12, 2)
    out.text(":")
    out.padded(minute, 2)
    out.text(hour < 12 ? " AM" : " PM")
  }

  private func writeClock(to out: inout PayloadWriter) {
    out.padded(hour, 2)
    out.text(":")
    out.padded(minute, 2)
    out.text(":")
    out.padded(second, 2)
  }
}
