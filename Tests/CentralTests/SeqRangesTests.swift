import Testing

@testable import Central

@Suite("Sequence ranges")
struct SeqRangesTests {
  @Test("numbers that follow one another are one range, whatever order they come in")
  func merging() {
    var ranges = SeqRanges()
    for range in [4...6, 1...1, 9...9, 2...3, 7...8] as [ClosedRange<Int64>] { ranges.insert(range) }
    #expect(ranges.ranges == [1...9])
  }

  @Test("what is missing is what lies below the highest, from 1 on")
  func missing() {
    let ranges = SeqRanges([3...4, 8...9, 12...12])
    #expect(ranges.missing() == [1...2, 5...7, 10...11])
    #expect(ranges.missing(limit: 2) == [1...2, 5...7])
    #expect(ranges.missing(from: 6) == [6...7, 10...11])
    #expect(SeqRanges().missing().isEmpty)
  }

  @Test("a range is contained only where all of its numbers are")
  func containing() {
    let ranges = SeqRanges([1...5, 7...9])
    #expect(ranges.contains(2...5))
    #expect(ranges.contains(7))
    #expect(!ranges.contains(5...7))
    #expect(!ranges.contains(6))
    #expect(!ranges.contains(9...10))
  }

  @Test("the ends of Int64 don't overflow")
  func extremes() {
    var ranges = SeqRanges([Int64.max - 1...Int64.max, Int64.min...Int64.min])
    ranges.insert(Int64.min + 1...0)
    #expect(ranges.ranges == [Int64.min...0, Int64.max - 1...Int64.max])
    #expect(ranges.missing() == [1...Int64.max - 2])
  }

  @Test("it says the same as a set of numbers", arguments: 0..<40)
  func likeASet(seed: UInt64) {
    var random = SplitMix(state: seed)
    var ranges = SeqRanges()
    var set: Set<Int64> = []
    for _ in 0..<60 {
      let first = Int64.random(in: 1...120, using: &random)
      let range = first...first + Int64.random(in: 0...12, using: &random)
      #expect(ranges.contains(range) == range.allSatisfy(set.contains))
      ranges.insert(range)
      set.formUnion(range)
      #expect(ranges.highest == set.max())
      #expect(Set(ranges.ranges.flatMap(Array.init)) == set)
      #expect(ranges.missing().flatMap(Array.init) == (1...(set.max() ?? 1)).filter { !set.contains($0) })
      #expect(zip(ranges.ranges, ranges.ranges.dropFirst()).allSatisfy { $0.upperBound + 1 < $1.lowerBound })
    }
  }
}

/// A small generator with a seed, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
