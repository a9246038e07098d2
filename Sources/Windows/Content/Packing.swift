import Telemetry

/// Writes numbers in as few bytes as they need: varints of seven bits a byte, the lowest first.
struct PackedWriter {
  private(set) var bytes: [UInt8] = []

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  mutating func count(_ value: Int) { varint(UInt64(max(0, value))) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  mutating func signed(_ value: Int64) { tagged(value) }

  /// What has at most three decimals, as devices report, becomes a whole number.
  mutating func number(_ value: Double) {
    let thousandths = (value * 1000).rounded()
    if abs(thousandths) < 1e12, thousandths / 1000 == value {
      tagged(Int64(thousandths))
    } else {
      raw(value.bitPattern)
    }
  }

  /// Relative to a time nearby; mostly whole milliseconds.
  mutating func time(_ time: Timestamp, from origin: Timestamp) {
    let difference = (time - origin).nanoseconds
    if difference % 1_000_000 == 0, abs(difference / 1_000_000) < 1 << 50 {
      tagged(difference / 1_000_000)
    } else {
      raw(UInt64(bitPattern: time.nanoseconds))
    }
  }

  private mutating func tagged(_ value: Int64) { varint(UInt64(bitPattern: value << 1 ^ value >> 63) << 1) }

  private mutating func raw(_ bits: UInt64) {
    bytes.append(1)
    withUnsafeBytes(of: bits.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Cut at 65,535 bytes, which no state comes near.
  mutating func text(_ text: String) {
    let utf8 = text.utf8.prefix(65_535)
    count(utf8.count)
    bytes.append(contentsOf: utf8)
  }
}

/// Reads what `PackedWriter` wrote; `nil` where the bytes end too early or say the impossible.
struct PackedReader {
  private let bytes: [UInt8]
  private var at = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { at >= bytes.count }

  mutating func byte() -> UInt8? {
    guard at < bytes.count else { return nil }
    defer { at += 1 }
    return bytes[at]
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let next = byte() {
      guard shift < 64 else { return nil }
      value |= UInt64(next & 0x7f) << shift
      if next < 0x80 { return value }
      shift += 7
    }
    return nil
  }

  mutating func count() -> Int? { varint().flatMap { $0 <= UInt64(Int.max) ? Int($0) : nil } }

  mutating func signed() -> Int64? {
    guard case .tagged(let value)? = either() else { return nil }
    return value
  }

  mutating func number() -> Double? {
    switch either() {
    case .tagged(let thousandths): Double(thousandths) / 1000
    case .raw(let bits): Double(bitPattern: bits)
    case nil: nil
    }
  }

  mutating func time(from origin: Timestamp) -> Timestamp? {
    switch either() {
    case .tagged(let milliseconds): origin + .milliseconds(milliseconds)
    case .raw(let bits): Timestamp(nanoseconds: Int64(bitPattern: bits))
    case nil: nil
    }
  }

  private enum Either {
    case tagged(Int64)
    case raw(UInt64)
  }

  private mutating func either() -> Either? {
    guard let value = varint() else { return nil }
    guard value & 1 == 1 else {
      let zigzag = value >> 1
      return .tagged(Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1))
    }
    guard at + 8 <= bytes.count else { return nil }
    defer { at += 8 }
    return .raw(bytes[at..<at + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  mutating func text() -> String? {
    guard let length = count(), length <= bytes.count - at else { return nil }
    defer { at += length }
    return String(decoding: bytes[at..<at + length], as: UTF8.self)
  }
}
