import Telemetry
import Windows

/// Carries as a blob, as schema 1 wrote them: for each series its metric, labels, unit, kind, the reading's time and value.
///
/// All integers are little-endian; texts are a length in two bytes and UTF-8. Version byte first.
enum CarryCoding {
  private static let version: UInt8 = 1

  /// `nil` where the blob isn't one of ours. Series that the registry has no room for are left out.
  static func decode(_ bytes: [UInt8], device: Device, registry: Registry) -> Carries? {
    var reader = ByteReader(bytes)
    guard reader.byte() == version else { return nil }
    var carries: Carries = [:]
    while !reader.isAtEnd {
      guard let parts = reader.series(), let time = reader.integer() else { return nil }
      let value: Carry.Value
      if parts.kind == .state {
        guard let state = reader.text() else { return nil }
        value = .state(state)
      } else {
        guard let bits = reader.integer() else { return nil }
        value = .number(Double(bitPattern: UInt64(bitPattern: bits)))
      }
      let series = registry.series(
        of: device, parts.metric, labels: parts.labels, unit: parts.unit, kind: parts.kind)
      if let series { carries[series.index] = Carry(value: value, time: Timestamp(nanoseconds: time)) }
    }
    return carries
  }

  static func encode(_ series: Series) -> [UInt8] {
    var writer = ByteWriter()
    writer.series(series)
    return writer.bytes
  }

  static func series(_ bytes: [UInt8], of device: Device, registry: Registry) -> Series? {
    var reader = ByteReader(bytes)
    guard let parts = reader.series() else { return nil }
    return registry.series(of: device, parts.metric, labels: parts.labels, unit: parts.unit, kind: parts.kind)
  }
}

struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  mutating func integer(_ value: Int64) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Cut at 65,535 bytes; nothing that names a series comes near it.
  mutating func text(_ text: String) {
    let utf8 = text.utf8.prefix(65_535)
    bytes.append(UInt8(utf8.count & 0xff))
    bytes.append(UInt8(utf8.count >> 8))
    bytes.append(contentsOf: utf8)
  }

  mutating func series(_ series: Series) {
    text(series.metric)
    text(series.unit)
    text(series.kind.rawValue)
    labels(series.labels)
  }

  /// The first 255: nothing that is configured or understood has as many.
  mutating func labels(_ labels: [Series.Label]) {
    byte(UInt8(min(labels.count, 255)))
    for label in labels.prefix(255) {
      text(label.name)
      text(label.value)
    }
  }

  static func labels(_ labels: [Series.Label]) -> [UInt8] {
    var writer = ByteWriter()
    writer.labels(labels)
    return writer.bytes
  }
}

struct ByteReader {
  private let bytes: [UInt8]
  private var at = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { at >= bytes.count }

  mutating func byte() -> UInt8? {
    guard at < bytes.count else { return nil }
    defer { at += 1 }
    return bytes[at]
  }

  mutating func integer() -> Int64? {
    guard at + 8 <= bytes.count else { return nil }
    defer { at += 8 }
    return Int64(bitPattern: bytes[at..<at + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  mutating func text() -> String? {
    guard let low = byte(), let high = byte() else { return nil }
    let length = Int(low) | Int(high) << 8
    guard at + length <= bytes.count else { return nil }
    defer { at += length }
    return String(decoding: bytes[at..<at + length], as: UTF8.self)
  }

  mutating func series() -> (metric: String, unit: String, kind: MetricKind, labels: [Series.Label])? {
    guard let metric = text(), let unit = text(), let kind = text().flatMap(MetricKind.init(rawValue:)),
      let labels = labels()
    else { return nil }
    return (metric, unit, kind, labels)
  }

  mutating func labels() -> [Series.Label]? {
    guard let count = byte() else { return nil }
    var labels: [Series.Label] = []
    for _ in 0..<count {
      guard let name = text(), let value = text() else { return nil }
      labels.append(Series.Label(name, value))
    }
    return labels
  }

  /// None where the bytes aren't ours: the device's source says them again with its next message.
  static func labels(_ bytes: [UInt8]) -> [Series.Label] {
    var reader = ByteReader(bytes)
    return reader.labels() ?? []
  }
}
