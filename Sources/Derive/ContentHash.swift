/// Equal for equal topics and payloads, and next to never for others: eight bytes at a time, multiplied and folded.
/// The same in every process, for what was counted is counted again. Not against adversaries: who could forge an equal
/// one only hides his own message among the duplicates, which are counted and not dropped.
enum ContentHash {
  static func of(_ topic: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) -> UInt64 {
    let hash = fold(payload, seed: fold(topic, seed: 0x9e37_79b9_7f4a_7c15))
    return hash == 0 ? 1 : hash
  }

  private static func fold(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
    var hash = mix(seed, UInt64(bytes.count) | 1 << 63)
    var at = 0
    while at + 8 <= bytes.count {
      hash = mix(hash, UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
      at += 8
    }
    var rest: UInt64 = 0
    while at < bytes.count {
      rest = rest << 8 | UInt64(bytes[at])
      at += 1
    }
    return mix(hash, rest)
  }

  private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let (high, low) = (a ^ 0xa076_1d64_78bd_642f).multipliedFullWidth(by: b ^ 0xe703_7ed1_a0b4_28db)
    return high ^ low
  }
}
