import Foundation
import Telemetry
import Testing
import Windows

@testable import Derive

@Suite("Every summary equals one computed from the whole list of messages")
struct EverySummaryTests {
  /// How many random streams each test goes through: `LUMBUNG_STREAMS=100000` for the long form, and from where.
  static let count = Int(ProcessInfo.processInfo.environment["LUMBUNG_STREAMS"] ?? "") ?? 60
  static let first = Int(ProcessInfo.processInfo.environment["LUMBUNG_FIRST_STREAM"] ?? "") ?? 0

  @Test("through disorder, late bursts, rubbish and restarts")
  func orderlyClocks() throws { try go(oddClocks: false) }

  @Test("through clocks that are wrong, set, set wrongly and lost again")
  func oddClocks() throws { try go(oddClocks: true) }

  private func go(oddClocks: Bool) throws {
    for seed in EverySummaryTests.first..<EverySummaryTests.first + EverySummaryTests.count {
      let faults = try EverySummaryTests.faults(seed, oddClocks: oddClocks)
      #expect(faults == [], "stream \(seed)")
      if !faults.isEmpty { return }
    }
  }

  /// How many streams a planted fault may hide in: one that only shows where a process ends just before a long silence,
  /// and groups go by labels, in many.
  private static let patience = 600

  @Test("and the comparison sees what is planted", arguments: PlantedFault.allCases)
  func planted(_ fault: PlantedFault) throws {
    let isSeen = try (0..<EverySummaryTests.patience).contains { seed in
      do {
        return try EverySummaryTests.faults(seed, oddClocks: fault.needsOddClocks, planted: fault) != []
      } catch is Comparison.Fault {
        return true
      }
    }
    #expect(isSeen)
  }

  static func faults(_ seed: Int, oddClocks: Bool, planted: PlantedFault? = nil) throws -> [String] {
    var generator = Seeded(state: UInt64(seed) &* 7919 &+ (oddClocks ? 12 : 11))
    let stream = RandomStream(&generator, oddClocks: oddClocks)
    var rules = BruteForce.Rules()
    let store = try TemporaryStore()
    store.trustsClock = Int.random(in: 0..<4, using: &generator) == 0
    store.longer = [[], [.seconds(30)], [.seconds(30), .seconds(60)]].randomElement(using: &generator)!
    if Int.random(in: 0..<3, using: &generator) == 0 { store.rollups = [RollupRule(by: [rules.groupKey(seed)])] }
    if Int.random(in: 0..<3, using: &generator) > 0 { store.retirement = .seconds(120) }
    if oddClocks { store.retirement = .seconds(120) }
    // Of every second stream most late readings of counters and states are of what is folded already.
    store.roomyDevices = seed % 2 == 0 ? 0 : 1000
    rules.trustsAll = store.trustsClock
    rules.lengths += store.longer
    rules.retirement = store.retirement
    rules.groups = !store.rollups.isEmpty
    planted?.expect(&rules)
    let segmentsPerPiece = Int64.random(in: 1...40, using: &generator)
    func process() throws -> Deriver {
      if planted == .segmentSkipped { try store.skipSegment() }
      if planted == .labelsForgotten { try store.forgetLabels() }
      let deriver = try store.deriver()
      deriver.segmentsPerPiece = segmentsPerPiece
      // Windows whose messages are not held at once, in one stream of three.
      if seed % 3 == 0 { deriver.arrivalsAtOnce = seed % 7 }
      return deriver
    }
    var deriver = try process()
    var now = Span.seconds(1)
    for segment in stream.segments {
      try store.write(planted?.segment(segment) ?? segment)
      // Sometimes several segments wait, sometimes time passes, sometimes the process dies.
      if Bool.random(using: &generator) { _ = try deriver.turn(now: now) }
      now.nanoseconds += Int64.random(in: 0...4_000_000_000, using: &generator)
      if Int.random(in: 0..<6, using: &generator) == 0 { deriver = try process() }
    }
    while try !deriver.turn(now: now) {}
    try deriver.finish()
    return try Comparison.faults(store, stream.segments, rules, planted)
  }
}
