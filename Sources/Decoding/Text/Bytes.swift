import Glibc

@inline(__always)
func compareBytes(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int) -> Bool { memcmp(a, b, count) == 0 }

extension String {
  /// Bytes that are known to be UTF-8, or whose faults may be repaired.
  @inline(__always)
  init(utf8 bytes: UnsafeRawBufferPointer) { self = String(decoding: bytes, as: UTF8.self) }
}

extension UnsafeRawBufferPointer {
  /// Without white space and line ends at both ends.
  var trimmed: UnsafeRawBufferPointer {
    var low = 0
    var high = count
    while low < high, self[low].isWhite { low += 1 }
    while high > low, self[high - 1].isWhite { high -= 1 }
    return UnsafeRawBufferPointer(rebasing: self[low..<high])
  }
}

extension UInt8 {
  var isWhite: Bool { self == 0x20 || (0x09...0x0d).contains(self) }
  var isDigit: Bool { self &- 48 < 10 }
}
