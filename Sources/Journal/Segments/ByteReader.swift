/// Reads forward through bytes that may be anything; `nil` where they end too early or say the impossible.
struct ByteReader {
  private let bytes: UnsafeRawBufferPointer
  private(set) var offset: Int

  init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  var remaining: Int { bytes.count - offset }

  mutating func byte() -> UInt8? {
    guard remaining > 0 else { return nil }
    defer { offset += 1 }
    return bytes[offset]
  }

  mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let next = byte() {
      // The tenth byte has room for one bit only.
      if shift == 63, next > 1 { return nil }
      value |= UInt64(next & 0x7f) << shift
      if next < 0x80 { return value }
      shift += 7
    }
    return nil
  }

  /// A varint that counts bytes or things, of which there can't be more than `limit`.
  mutating func count(upTo limit: Int) -> Int? {
    guard limit >= 0, let value = varint(), value <= UInt64(limit) else { return nil }
    return Int(value)
  }

  /// Eight bytes, the lowest first.
  mutating func integer() -> Int64? {
    guard remaining >= 8 else { return nil }
    defer { offset += 8 }
    return Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
  }

  mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
    guard count >= 0, count <= remaining else { return nil }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }
}
