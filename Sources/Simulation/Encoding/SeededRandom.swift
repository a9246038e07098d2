/// SplitMix64: the same seed gives the same numbers on every machine and with every compiler, which the standard
/// library's `random(in:using:)` doesn't promise.
struct SeededRandom: Sendable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A generator of its own for each device, so that one device more doesn't change what the others say.
  init(seed: UInt64, stream: Int) {
    var mixer = SeededRandom(seed: seed ^ (UInt64(bitPattern: Int64(stream)) &* 0xd134_2543_de82_ef95))
    state = mixer.next()
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// In [0, 1).
  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// In [low, high).
  mutating func between(_ low: Double, _ high: Double) -> Double { low + uniform() * (high - low) }

  /// In `low...high`. The bias of the modulo is below 2^-40 for the small ranges in use.
  mutating func integer(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
  }

  mutating func chance(_ probability: Double) -> Bool { uniform() < probability }
}
