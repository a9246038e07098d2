import Telemetry

/// A date and time by a pattern of `strptime`'s kind: `%d-%m-%Y %H:%M:%S`, `%a %b %d %I:%M:%S %p %Z %Y`.
struct TimePattern {
  private enum Item {
    case space
    case byte(UInt8)
    case field(UInt8)
  }

  private let items: [Item]

  /// What a field may be, for errors and help.
  static let fields = "%Y %y %m %d %e %b %a %H %I %M %S %f %p %z %Z %%"

  /// `nil` where there is no such field, or the pattern doesn't say year, month and day.
  init?(_ text: String) {
    var items: [Item] = []
    var seen: Set<UInt8> = []
    var bytes = Array(text.utf8)[...]
    while let byte = bytes.popFirst() {
      if byte == UInt8(ascii: " ") {
        items.append(.space)
      } else if byte != UInt8(ascii: "%") {
        items.append(.byte(byte))
      } else {
        guard let field = bytes.popFirst(), "YymdebaHIMSfpzZ%".utf8.contains(field) else { return nil }
        seen.insert(field)
        items.append(field == UInt8(ascii: "%") ? .byte(field) : .field(field))
      }
    }
    func has(_ choices: String) -> Bool { choices.utf8.contains(where: seen.contains) }
    guard has("Yy"), has("mb"), has("de"), has("HI"), !has("I") || has("p") else { return nil }
    self.items = items
  }

  private struct Clock {
    var year = 0
    var month = 0
    var day = 0
    var hour = 0
    var minute = 0
    var second = 0
    var nanoseconds: Int64 = 0
    var afternoon: Bool?
    var offset: Int64?
  }

  /// `nil` where the text is not of this pattern, or there is no such time.
  func time(_ text: String, zone: LocalZone) -> Timestamp? {
    var clock = Clock()
    var rest = Array(text.utf8)[...]
    for item in items {
      switch item {
      case .space:
        guard rest.first?.isWhite == true else { return nil }
        rest = rest.drop(while: \.isWhite)
      case .byte(let byte):
        guard rest.popFirst() == byte else { return nil }
      case .field(let field):
        guard TimePattern.read(field, &rest, &clock) else { return nil }
      }
    }
    guard rest.isEmpty else { return nil }
    if let afternoon = clock.afternoon {
      guard (1...12).contains(clock.hour) else { return nil }
      clock.hour = clock.hour % 12 + (afternoon ? 12 : 0)
    }
    guard let date = CivilDate(year: clock.year, month: clock.month, day: clock.day), clock.hour < 24,
      clock.minute < 60, clock.second <= 60
    else { return nil }
    let seconds =
      date.daysSinceEpoch * 86_400 + Int64(clock.hour * 3600 + clock.minute * 60 + min(clock.second, 59))
    let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return nil }
    let local = Timestamp(nanoseconds: nanoseconds) + Span(nanoseconds: clock.nanoseconds)
    return clock.offset.map { local - .seconds($0) } ?? zone.instant(ofLocal: local)
  }

  private static func read(_ field: UInt8, _ rest: inout ArraySlice<UInt8>, _ clock: inout Clock) -> Bool {
    switch field {
    case UInt8(ascii: "Y"): return digits(&rest, 4...4) { clock.year = $0 }
    case UInt8(ascii: "y"): return digits(&rest, 2...2) { clock.year = 2000 + $0 }
    case UInt8(ascii: "m"): return digits(&rest, 1...2) { clock.month = $0 }
    case UInt8(ascii: "d"): return digits(&rest, 1...2) { clock.day = $0 }
    case UInt8(ascii: "e"):
      rest = rest.drop(while: \.isWhite)
      return digits(&rest, 1...2) { clock.day = $0 }
    case UInt8(ascii: "H"), UInt8(ascii: "I"): return digits(&rest, 1...2) { clock.hour = $0 }
    case UInt8(ascii: "M"): return digits(&rest, 2...2) { clock.minute = $0 }
    case UInt8(ascii: "S"): return digits(&rest, 2...2) { clock.second = $0 }
    case UInt8(ascii: "f"):
      let count = rest.prefix(while: \.isDigit).count
      return digits(&rest, 1...9) { value in
        clock.nanoseconds = (count..<9).reduce(Int64(value)) { sum, _ in sum * 10 }
      }
    case UInt8(ascii: "b"):
      guard let month = months.firstIndex(of: word(&rest).prefix(3).lowercased()) else { return false }
      clock.month = month + 1
      return true
    case UInt8(ascii: "a"): return !word(&rest).isEmpty
    case UInt8(ascii: "p"):
      switch word(&rest).lowercased() {
      case "am": clock.afternoon = false
      case "pm": clock.afternoon = true
      default: return false
      }
      return true
    case UInt8(ascii: "Z"):
      guard let offset = zones[word(&rest).uppercased()] else { return false }
      clock.offset = offset * 3600
      return true
    default: return offset(&rest) { clock.offset = $0 }
    }
  }

  private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

  /// Abbreviations that mean one zone wherever they are used.
  private static let zones: [String: Int64] = [
    "UTC": 0, "GMT": 0, "Z": 0, "WIB": 7, "WITA": 8, "WIT": 9, "JST": 9, "SGT": 8, "EST": -5, "EDT": -4, "PST": -8,
    "PDT": -7, "CET": 1, "CEST": 2,
  ]

  private static func word(_ rest: inout ArraySlice<UInt8>) -> String {
    let letters = rest.prefix { $0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z") }
    rest = rest.dropFirst(letters.count)
    return String(decoding: letters, as: UTF8.self)
  }

  private static func digits(
    _ rest: inout ArraySlice<UInt8>, _ counts: ClosedRange<Int>, _ set: (Int) -> Void
  ) -> Bool {
    let digits = rest.prefix(counts.upperBound).prefix(while: \.isDigit)
    guard digits.count >= counts.lowerBound else { return false }
    rest = rest.dropFirst(digits.count)
    set(digits.reduce(0) { $0 * 10 + Int($1 - 48) })
    return true
  }

  /// `+07:00`, `+0700`, `Z`.
  private static func offset(_ rest: inout ArraySlice<UInt8>, _ set: (Int64) -> Void) -> Bool {
    if rest.first == UInt8(ascii: "Z") {
      rest = rest.dropFirst()
      set(0)
      return true
    }
    guard let sign = rest.popFirst(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return false }
    var hours = 0
    var minutes = 0
    guard digits(&rest, 2...2, { hours = $0 }) else { return false }
    if rest.first == UInt8(ascii: ":") { rest = rest.dropFirst() }
    guard digits(&rest, 2...2, { minutes = $0 }), hours < 24, minutes < 60 else { return false }
    set(Int64(hours * 3600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1))
    return true
  }
}
