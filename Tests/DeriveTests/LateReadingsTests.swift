import Telemetry
import Testing

@testable import Derive

@Suite("When windows are computed again")
struct LateReadingsTests {
  private func late(at now: Span) -> LateReadings {
    var late = LateReadings()
    late.note(Timestamp(milliseconds: 1_795_318_800_000), "sman1/cam-001", segment: 7, now: now)
    return late
  }

  @Test("without late readings never")
  func nothing() {
    #expect(!LateReadings().isDue(now: .seconds(100), atHead: true))
    #expect(!LateReadings().isDue(now: .seconds(100), atHead: true, isPressed: true))
  }

  @Test("once a burst is over, and at the latest when patience is")
  func burst() {
    let late = late(at: .seconds(10))
    #expect(!late.isDue(now: .seconds(11), atHead: true))
    #expect(late.isDue(now: .seconds(12), atHead: true))
    #expect(!late.isDue(now: .seconds(12), atHead: false))
    #expect(late.isDue(now: .seconds(40), atHead: false))
  }

  @Test("at once where the store is full, for their messages keep it so")
  func pressed() {
    let late = late(at: .seconds(10))
    #expect(late.isDue(now: .seconds(10), atHead: true, isPressed: true))
    #expect(!late.isDue(now: .seconds(10), atHead: false, isPressed: true))
  }

  @Test("what an earlier process left is due at once")
  func restored() {
    let late = LateReadings(encoded: late(at: .seconds(10)).encoded)
    #expect(late.isDue(now: .zero, atHead: true))
    #expect(late.oldestSegment == 7)
  }
}
