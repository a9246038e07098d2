import Telemetry

/// The dates of HTTP, in the form that is to be sent today: `Sun, 22 Nov 2026 03:40:12 GMT`. The two obsolete forms
/// are not read; a header in one counts as absent.
enum HTTPDate {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  static func parse(_ text: String) -> Timestamp? {
    let words = text.trimmed.split(separator: " ")
    guard words.count == 6, words[0].hasSuffix(","), words[5] == "GMT", let day = Int(words[1]),
      let month = months.firstIndex(of: String(words[2])), let year = Int(words[3])
    else { return nil }
    let clock = words[4].split(separator: ":", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
    // 2262 is where a `Timestamp` ends.
    guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]), (0...60).contains(clock[2]),
      (1970..<2262).contains(year), let date = CivilDate(year: year, month: month + 1, day: day)
    else { return nil }
    let seconds = date.daysSinceEpoch * 86_400 + Int64(clock[0] * 3600 + clock[1] * 60 + clock[2])
    return Timestamp(nanoseconds: seconds * 1_000_000_000)
  }
}
