import Testing

@testable import Journal

@Suite("Varints")
struct VarintTests {
  @Test("every magnitude comes back, from as few bytes as it needs")
  func roundTrip() {
    for shift in 0..<64 {
      for value in [UInt64(1) << shift, (UInt64(1) << shift) - 1, UInt64.max >> (63 - shift)] {
        var bytes: [UInt8] = []
        Varint.append(value, to: &bytes)
        #expect(bytes.count == max(1, (64 - value.leadingZeroBitCount + 6) / 7))
        bytes.withUnsafeBytes {
          var reader = ByteReader($0)
          #expect(reader.varint() == value)
          #expect(reader.remaining == 0)
        }
      }
    }
  }

  @Test("signed numbers come back through zigzag", arguments: [0, 1, -1, 63, -64, 64, Int64.max, Int64.min])
  func zigzag(value: Int64) {
    #expect(Varint.unzigzag(Varint.zigzag(value)) == value)
  }

  @Test("one that ends early or is too long is refused")
  func refused() {
    let bad: [[UInt8]] = [
      [], [0x80], [UInt8](repeating: 0xff, count: 9), [UInt8](repeating: 0xff, count: 9) + [2],
      [UInt8](repeating: 0x80, count: 20),
    ]
    for bytes in bad {
      bytes.withUnsafeBytes {
        var reader = ByteReader($0)
        #expect(reader.varint() == nil)
      }
    }
  }

  @Test("a count above its limit is refused, and a negative limit allows none")
  func limits() {
    [UInt8(5)].withUnsafeBytes {
      var reader = ByteReader($0)
      #expect(reader.count(upTo: 4) == nil)
      reader = ByteReader($0)
      #expect(reader.count(upTo: -1) == nil)
      reader = ByteReader($0)
      #expect(reader.count(upTo: 5) == 5)
    }
  }
}
