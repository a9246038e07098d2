import Foundation
import Journal
import Telemetry
import Testing
import Windows

@testable import Derive

@Suite("Every course that a box's clock can take")
struct EveryClockTests {
  /// How many steps of the clock follow one another: `LUMBUNG_CLOCK_STEPS=4` for the long form, 6,561 courses.
  static let length = Int(ProcessInfo.processInfo.environment["LUMBUNG_CLOCK_STEPS"] ?? "") ?? 2

  @Test("loses nothing and counts nothing twice, with a process that runs on, and with one that ends at each step")
  func everyCourse() throws {
    for course in ClockCourse.all(EveryClockTests.length) {
      for restarts in [false, true] {
        let faults = try EveryClockTests.faults(course, restarts: restarts)
        #expect(faults == [], "\(course), restarts: \(restarts)")
        if !faults.isEmpty { return }
      }
    }
  }

  @Test("which a box that boots in 1970 three times, and then finds its time server, is one of")
  func threeBootsIn1970() throws {
    let boots = [ClockCourse.Step](repeating: .bootIn1970, count: 3)
    for last in [ClockCourse.Step.timeServer, .hoursAhead, .yearsBack] {
      #expect(try EveryClockTests.faults(ClockCourse(steps: boots + [last]), restarts: true) == [])
    }
  }

  @Test("and a clock that nobody vouches for is seen")
  func control() throws {
    var course = ClockCourse(steps: [.bootIn1970, .timeServer])
    course.isMisled = true
    #expect(try EveryClockTests.faults(course, restarts: false) != [])
  }

  private static func faults(_ course: ClockCourse, restarts: Bool) throws -> [String] {
    let store = try TemporaryStore()
    store.trustsClock = false
    var rules = BruteForce.Rules()
    rules.trustsAll = false
    store.retirement = .seconds(120)
    rules.retirement = store.retirement
    let segments = course.segments
    var deriver = try store.deriver()
    var now = Span.seconds(1)
    for (index, segment) in segments.enumerated() {
      var written = segment
      if course.isMisled { written.clock.synchronised = false }
      try store.write(written)
      _ = try deriver.turn(now: now)
      now = now + .seconds(2)
      if restarts, index % ClockCourse.segmentsPerStep == 0 { deriver = try store.deriver() }
    }
    while try !deriver.turn(now: now) {}
    try deriver.finish()
    return try Comparison.faults(store, segments, rules)
  }
}
