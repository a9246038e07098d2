import Telemetry
import Testing

@testable import Journal

@Suite("What a trim takes")
struct TrimRuleTests {
  /// Walls in seconds; `nil` is a segment at 1970 whose clock was not synchronised. Ids count from 1.
  private func trimmed(_ walls: [Int64?], _ rule: TrimRule, next: Int64? = nil) -> (last: Int64?, count: Int) {
    var walk = TrimWalk(rule)
    for (index, wall) in walls.enumerated() {
      let segment = TrimWalk.Segment(
        id: Int64(index + 1), wall: Timestamp(milliseconds: (wall ?? 0) * 1000), synchronised: wall != nil)
      if walk.take(segment) == .stop { break }
    }
    if let next { walk.settle(nextSynchronisedWall: Timestamp(milliseconds: next * 1000)) }
    return (walk.last, walk.count)
  }

  private func time(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

  @Test("only ids below the given one go")
  func ids() {
    #expect(trimmed([1, 2, 3, 4], TrimRule(before: 3, limit: 9)) == (2, 2))
    #expect(trimmed([1, 2], TrimRule(before: 1, limit: 9)) == (nil, 0))
  }

  @Test("age stops at the first one that is young enough, though older ones may follow")
  func age() {
    #expect(trimmed([10, 20, 50, 30], TrimRule(before: 9, olderThan: time(40), limit: 9)) == (2, 2))
    #expect(trimmed([40], TrimRule(before: 9, olderThan: time(40), limit: 9)) == (nil, 0))
  }

  @Test("an unsynchronised clock is taken at its word unless told otherwise")
  func word() {
    #expect(trimmed([nil, nil, 50], TrimRule(before: 9, olderThan: time(40), limit: 9)) == (2, 2))
  }

  @Test("a segment of an unsynchronised clock is as old as the first synchronised one after it")
  func unsynchronised() {
    let rule = TrimRule(before: 9, olderThan: time(40), synchronisedOnly: true, limit: 9)
    #expect(trimmed([nil, nil, 30, nil, 50], rule) == (3, 3))
    #expect(trimmed([nil, nil, 50], rule) == (nil, 0))
    #expect(trimmed([nil, nil], rule) == (nil, 0))
    #expect(trimmed([nil, nil], rule, next: 30) == (2, 2))
    #expect(trimmed([nil, nil], rule, next: 50) == (nil, 0))
  }
}
