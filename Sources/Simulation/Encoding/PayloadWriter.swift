import Telemetry

/// Builds a payload byte by byte, with no formatter in between: tens of thousands a second are made.
struct PayloadWriter {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int = 192) { bytes.reserveCapacity(capacity) }

  mutating func text(_ literal: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }

  mutating func string(_ text: String) { bytes.append(contentsOf: text.utf8) }

  mutating func integer(_ value: Int64) { digits(value.magnitude, sign: value < 0, width: 1) }

  mutating func integer(_ value: Int) { integer(Int64(value)) }

  /// At least `width` digits, zeros in front.
  mutating func padded(_ value: Int, _ width: Int) { digits(UInt64(value.magnitude), sign: value < 0, width: width) }

  /// `value` rounded to `places` (1 to 9) after the point. Values here are physical ones, far inside 10^9.
  mutating func decimal(_ value: Double, _ places: Int, point: Unicode.Scalar = ".") {
    var scale: UInt64 = 1
    for _ in 0..<places { scale *= 10 }
    let scaled = Int64((value * Double(scale)).rounded())
    digits(scaled.magnitude / scale, sign: scaled < 0, width: 1)
    bytes.append(UInt8(ascii: point))
    digits(scaled.magnitude % scale, sign: false, width: places)
  }

  mutating func boolean(_ value: Bool) { text(value ? "true" : "false") }

  /// RFC 3339 in UTC.
  mutating func time(_ time: Timestamp) { RFC3339.append(time, to: &bytes) }

  /// Seconds since the epoch with six places, as Python prints them.
  mutating func epochSeconds(_ time: Timestamp) {
    let micros = time.nanoseconds.flooredQuotient(1000)
    let seconds = micros.flooredQuotient(1_000_000)
    integer(seconds)
    bytes.append(UInt8(ascii: "."))
    digits(UInt64(micros - seconds * 1_000_000), sign: false, width: 6)
  }

  private mutating func digits(_ value: UInt64, sign: Bool, width: Int) {
    if sign { bytes.append(UInt8(ascii: "-")) }
    var divisor: UInt64 = 1
    var length = 1
    while length < width || value / divisor >= 10 {
      divisor *= 10
      length += 1
    }
    while divisor > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
      divisor /= 10
    }
  }
}
