import Telemetry
import Testing

@Suite("hashes that nobody can aim at")
struct SeededHashTests {
  @Test("equal bytes have equal hashes; each byte, the length and the salt count")
  func counts() {
    let hashing = SeededHash()
    func hash(_ bytes: [UInt8], _ salt: UInt64 = 0) -> UInt64 { bytes.withUnsafeBytes { hashing.hash($0, salt: salt) } }
    var seen: Set<UInt64> = []
    var made = 0
    for count in 0..<40 {
      let bytes = [UInt8](repeating: 7, count: count)
      #expect(hash(bytes) == hash(bytes))
      seen.insert(hash(bytes))
      seen.insert(hash(bytes, 1))
      made += 2
      for place in 0..<count {
        var other = bytes
        other[place] ^= 0x80
        seen.insert(hash(other))
        made += 1
      }
    }
    #expect(seen.count == made)
  }

  @Test("another seed gives other hashes")
  func seeds() {
    let bytes: [UInt8] = [1, 2, 3]
    let hashes = (0..<8).map { _ in bytes.withUnsafeBytes { SeededHash().hash($0) } }
    #expect(Set(hashes).count == 8)
  }
}
