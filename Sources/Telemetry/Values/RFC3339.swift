/// RFC 3339 times, without a formatter from Foundation (each of those pulls in ICU).
public enum RFC3339 {
  /// `2026-11-22T03:40:12.600Z`: no fraction where it is zero, else three, six or nine digits.
  public static func format(_ time: Timestamp) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(30)
    append(time, to: &out)
    return String(decoding: out, as: UTF8.self)
  }

  public static func append(_ time: Timestamp, to out: inout [UInt8]) {
    let seconds = time.nanoseconds.flooredQuotient(1_000_000_000)
    let fraction = time.nanoseconds - seconds * 1_000_000_000
    let days = seconds.flooredQuotient(86_400)
    let rest = seconds - days * 86_400
    let date = CivilDate(daysSinceEpoch: days)
    pad(Int64(date.year), 4, to: &out)
    out.append(UInt8(ascii: "-"))
    pad(Int64(date.month), 2, to: &out)
    out.append(UInt8(ascii: "-"))
    pad(Int64(date.day), 2, to: &out)
    out.append(UInt8(ascii: "T"))
    pad(rest / 3600, 2, to: &out)
    out.append(UInt8(ascii: ":"))
    pad(rest / 60 % 60, 2, to: &out)
    out.append(UInt8(ascii: ":"))
    pad(rest % 60, 2, to: &out)
    if fraction != 0 {
      out.append(UInt8(ascii: "."))
      if fraction % 1_000_000 == 0 {
        pad(fraction / 1_000_000, 3, to: &out)
      } else if fraction % 1000 == 0 {
        pad(fraction / 1000, 6, to: &out)
      } else {
        pad(fraction, 9, to: &out)
      }
    }
    out.append(UInt8(ascii: "Z"))
  }

  private static func pad(_ value: Int64, _ width: Int, to out: inout [UInt8]) {
    var divisor: Int64 = 1
    for _ in 1..<width { divisor *= 10 }
    while divisor > 0 {
      out.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
      divisor /= 10
    }
  }

  /// The parts of a time as written; `offset` in seconds is `nil` where the text bears none (naive local time).
  public struct Parts: Equatable, Sendable {
    public var local: Timestamp
    public var offset: Int?

    /// The instant, where the offset is known.
    public var instant: Timestamp? { offset.map { local - .seconds(Int64($0)) } }
  }

  /// Reads `2026-11-22T03:40:12.6+07:00`, also with a space for the `T`, a comma for the point, `+0700`, and without
  /// an offset. `nil` for anything else. Digits beyond nanoseconds are dropped; second 60 is taken as 59.
  public static func parts(_ text: some StringProtocol) -> Parts? {
    var text = String(text)
    return text.withUTF8 { parts(UnsafeRawBufferPointer($0)) }
  }

  /// The same of the text's bytes.
  public static func parts(_ text: UnsafeRawBufferPointer) -> Parts? {
    var reader = DigitReader(text)
    guard let year = reader.digits(4), reader.take("-"), let month = reader.digits(2), reader.take("-"),
      let day = reader.digits(2), reader.take("T") || reader.take("t") || reader.take(" "),
      let hour = reader.digits(2), reader.take(":"), let minute = reader.digits(2)
    else { return nil }
    var second = 0
    var nanoseconds: Int64 = 0
    if reader.take(":") {
      guard let value = reader.digits(2) else { return nil }
      second = value
      if reader.take(".") || reader.take(",") {
        guard let fraction = reader.fraction() else { return nil }
        nanoseconds = fraction
      }
    }
    guard let date = CivilDate(year: year, month: month, day: day), hour < 24, minute < 60, second <= 60 else {
      return nil
    }
    let clock = hour * 3600 + minute * 60 + min(second, 59)
    let (local, overflow) = (date.daysSinceEpoch * 86_400 + Int64(clock))
      .multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return nil }
    var offset: Int?
    if reader.take("Z") || reader.take("z") {
      offset = 0
    } else if let sign = reader.sign() {
      guard let hours = reader.digits(2), hours < 24 else { return nil }
      _ = reader.take(":")
      let minutes = reader.isAtEnd ? 0 : reader.digits(2)
      guard let minutes, minutes < 60 else { return nil }
      offset = sign * (hours * 3600 + minutes * 60)
    }
    guard reader.isAtEnd else { return nil }
    return Parts(local: Timestamp(nanoseconds: local) + Span(nanoseconds: nanoseconds), offset: offset)
  }

  /// An instant; `nil` where the text has no offset.
  public static func parse(_ text: some StringProtocol) -> Timestamp? { parts(text)?.instant }
}

private struct DigitReader {
  private let bytes: UnsafeRawBufferPointer
  private var at = 0

  init(_ text: UnsafeRawBufferPointer) { bytes = text }

  var isAtEnd: Bool { at == bytes.count }

  mutating func digits(_ count: Int) -> Int? {
    guard at + count <= bytes.count else { return nil }
    var value = 0
    for byte in bytes[at..<at + count] {
      guard byte &- 48 < 10 else { return nil }
      value = value * 10 + Int(byte - 48)
    }
    at += count
    return value
  }

  mutating func fraction() -> Int64? {
    var value: Int64 = 0
    var digits = 0
    while at < bytes.count, bytes[at] &- 48 < 10 {
      if digits < 9 { value = value * 10 + Int64(bytes[at] - 48) }
      digits += 1
      at += 1
    }
    guard digits > 0 else { return nil }
    for _ in min(digits, 9)..<9 { value *= 10 }
    return value
  }

  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard at < bytes.count, bytes[at] == UInt8(ascii: scalar) else { return false }
    at += 1
    return true
  }

  mutating func sign() -> Int? {
    if take("+") { return 1 }
    if take("-") { return -1 }
    return nil
  }
}
