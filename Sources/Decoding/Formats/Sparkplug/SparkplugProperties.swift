/// What a metric's property set says of its value: how good it is, and in which unit it stands.
struct SparkplugProperties {
  /// The specification's `Quality`; 192 is good.
  private(set) var quality: UInt64?
  /// As the device writes it; `engUnit` is what edge nodes call it.
  private(set) var unit: UnsafeRawBufferPointer?

  private static let bad: UInt64 = 0
  private static let stale: UInt64 = 500

  init() {}

  init(_ bytes: UnsafeRawBufferPointer, origin: Int) throws(DecodingFault) {
    var keys: [UnsafeRawBufferPointer] = []
    var values: [(bytes: UnsafeRawBufferPointer, origin: Int)] = []
    var reader = ProtobufReader(bytes, origin: origin)
    while let (number, field) = try reader.next() {
      switch (number, field) {
      case (1, .bytes(let key)): keys.append(key)
      case (2, .bytes(let value)): values.append((value, reader.offset - value.count))
      default: break
      }
    }
    for (key, value) in zip(keys, values) {
      if key.equals("Quality") || key.equals("quality") {
        quality = try SparkplugProperties.value(value.bytes, value.origin).number
      } else if key.equals("engUnit") || key.equals("Engineering Units") || key.equals("unit") {
        unit = try SparkplugProperties.value(value.bytes, value.origin).text
      }
    }
  }

  /// Why the value is no reading of this moment; `nil` where it is one.
  var reasonAgainst: String? {
    switch quality {
    case SparkplugProperties.bad: "its quality is bad"
    case SparkplugProperties.stale: "its quality is stale"
    default: nil
    }
  }

  private static func value(
    _ bytes: UnsafeRawBufferPointer, _ origin: Int
  ) throws(DecodingFault) -> (number: UInt64?, text: UnsafeRawBufferPointer?) {
    var number: UInt64?
    var text: UnsafeRawBufferPointer?
    var reader = ProtobufReader(bytes, origin: origin)
    while let (field, content) = try reader.next() {
      switch (field, content) {
      case (2, .varint(let isNull)) where isNull != 0: return (nil, nil)
      case (3, .varint(let value)), (4, .varint(let value)): number = value
      case (8, .bytes(let value)): text = value
      default: break
      }
    }
    return (number, text)
  }
}
