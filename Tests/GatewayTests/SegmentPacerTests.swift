import Telemetry
import Testing

@testable import Gateway

@Suite("When time must be told though nothing arrives")
struct SegmentPacerTests {
  private func pacer(shortestWait: Span? = nil) -> SegmentPacer {
    SegmentPacer(windowLength: .seconds(10), grace: .seconds(2), shortestWait: shortestWait)
  }

  private func due(_ pacer: SegmentPacer, wall: Int64) -> Span? {
    var pacer = pacer
    pacer.wrote(at: Timestamp(milliseconds: wall), monotonic: .seconds(100))
    return pacer.due
  }

  @Test("before the first segment nothing is due")
  func nothing() { #expect(pacer().due == nil) }

  @Test("a segment is due when the present window's grace is over")
  func boundary() {
    // Written 3 s into a window: 7 s to its end, 2 s of grace.
    #expect(due(pacer(), wall: 1_000_003_000) == .seconds(109))
  }

  @Test("within the grace it is the window before that waits")
  func withinGrace() {
    // Written 1 s after a border: the old window seals in 1 s.
    #expect(due(pacer(), wall: 1_000_001_000) == .seconds(101))
  }

  @Test("at the moment of sealing the next window is the one that waits")
  func exactly() { #expect(due(pacer(), wall: 1_000_002_000) == .seconds(110)) }

  @Test("alarm rules want time told at a third of their wait, between a second and half a minute")
  func alarms() {
    #expect(due(pacer(shortestWait: .seconds(6)), wall: 1_000_003_000) == .seconds(102))
    #expect(due(pacer(shortestWait: .milliseconds(100)), wall: 1_000_003_000) == .seconds(101))
    let slow = SegmentPacer(windowLength: .hours(1), grace: .seconds(2), shortestWait: .hours(10))
    #expect(due(slow, wall: 3_600_000_000) == .seconds(102))
    #expect(due(slow, wall: 3_600_003_000) == .seconds(130))
  }
}
