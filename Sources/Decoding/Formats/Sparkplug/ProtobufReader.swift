/// Reads protobuf's wire format, field by field.
struct ProtobufReader {
  enum Field {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case bytes(UnsafeRawBufferPointer)
  }

  private let bytes: UnsafeRawBufferPointer
  /// Where `bytes` begin in the payload, for faults.
  private let origin: Int
  private var at = 0

  init(_ bytes: UnsafeRawBufferPointer, origin: Int = 0) {
    self.bytes = bytes
    self.origin = origin
  }

  /// Offset in the payload of what is read next.
  var offset: Int { origin + at }

  /// The next field's number and value; `nil` at the end.
  mutating func next() throws(DecodingFault) -> (number: UInt64, field: Field)? {
    guard at < bytes.count else { return nil }
    let start = offset
    let tag = try varint()
    guard tag >> 3 > 0 else { throw DecodingFault(byte: start, "no protobuf field has the number 0") }
    switch tag & 7 {
    case 0: return (tag >> 3, .varint(try varint()))
    case 1: return (tag >> 3, .fixed64(UInt64(littleEndian: try take(8).loadUnaligned(as: UInt64.self))))
    case 2:
      let count = try varint()
      guard count <= UInt64(bytes.count - at) else {
        throw DecodingFault(byte: offset, "a field of \(count) bytes, where \(bytes.count - at) are left")
      }
      return (tag >> 3, .bytes(try take(Int(count))))
    case 5: return (tag >> 3, .fixed32(UInt32(littleEndian: try take(4).loadUnaligned(as: UInt32.self))))
    default: throw DecodingFault(byte: start, "no protobuf: the wire type \(tag & 7) is not in use")
    }
  }

  private mutating func take(_ count: Int) throws(DecodingFault) -> UnsafeRawBufferPointer {
    guard count <= bytes.count - at else { throw DecodingFault(byte: offset, "ends inside a field") }
    defer { at += count }
    return UnsafeRawBufferPointer(rebasing: bytes[at..<at + count])
  }

  private mutating func varint() throws(DecodingFault) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      guard at < bytes.count else { throw DecodingFault(byte: offset, "ends inside a number") }
      let byte = bytes[at]
      at += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte & 0x80 == 0 { return value }
    }
    throw DecodingFault(byte: offset, "a number of more than 64 bits")
  }
}
