import Journal
import SQLite
import Telemetry
import Testing
import Windows

@testable import Derive
@testable import Outbox

@Suite("Windows that are forgotten for want of room")
struct ForgettingTests {
  private func message(_ device: String, _ second: Int64, received: Int64) -> StreamMessage {
    StreamMessage(
      device: device, time: RandomStream.origin + .seconds(second),
      received: RandomStream.origin + .seconds(received), gauge: Double(second), counter: Double(second), state: "on")
  }

  /// Two cameras for so long, a message each in every window; one of them falls silent after a minute.
  private func run(_ store: TemporaryStore, minutes: Int64) throws {
    for second in stride(from: Int64(1), to: minutes * 60, by: 10) {
      var messages = [message("cam-0", second, received: second)]
      if second < 60 { messages.append(message("cam-1", second, received: second)) }
      try store.write(messages, at: RandomStream.origin + .seconds(second))
    }
  }

  private func rows(_ store: TemporaryStore) throws -> [WindowStore.Place] {
    let database = try DeriveStore.reader(store.folder + "/outbox.db")
    let row = try database.statement("SELECT start, device FROM derive_window ORDER BY start, device")
    defer { row.reset() }
    var rows: [WindowStore.Place] = []
    while try row.step() {
      rows.append(WindowStore.Place(start: Timestamp(nanoseconds: row.integer(0)), device: row.integer(1)))
    }
    return rows
  }

  private func derive(_ deriver: Deriver, at now: Int64 = 1) throws {
    while try !deriver.turn(now: .seconds(now)) {}
  }

  @Test("go from the oldest on, so many at a time, and the last minutes stay")
  func oldestFirst() throws {
    let store = try TemporaryStore()
    try run(store, minutes: 10)
    let deriver = try store.deriver()
    try derive(deriver)
    deriver.forgetsAtOnce = 8
    let before = try rows(store)
    #expect(try deriver.forgetOldest() == .went)
    let after = try rows(store)
    #expect(before.count - after.count == 8)
    #expect(before.filter { !after.contains($0) }.allSatisfy { $0.start < RandomStream.origin + .seconds(60) })
    while try deriver.forgetOldest() == .went {}
    let last = try #require(before.last?.start)
    let left = try rows(store)
    #expect(before.filter { $0.start >= last - .minutes(4) }.allSatisfy(left.contains))
    #expect(left.count < before.count / 2 + 10)
    #expect(try deriver.forgetOldest() == .nothing)
  }

  @Test("stay where a device's last one, or what it carries, would go")
  func lastOnes() throws {
    let store = try TemporaryStore()
    store.retirement = .minutes(2)
    try run(store, minutes: 20)
    let deriver = try store.deriver()
    try derive(deriver)
    while try deriver.forgetOldest() == .went {}
    // Retired after two minutes, and silent in the last windows that it has: what it carries is in the last one that
    // it reported in.
    let old = try rows(store).filter { $0.start < RandomStream.origin + .minutes(10) && $0.device > 0 }
    #expect(Set(old.map(\.device)).count == 1)
    #expect(old.map(\.start) == [RandomStream.origin + .seconds(50), RandomStream.origin + .seconds(170)])
  }

  @Test("make their readings too late, in the next process too, and what was sent of them stays")
  func tooLate() throws {
    let store = try TemporaryStore()
    try run(store, minutes: 10)
    let deriver = try store.deriver()
    try derive(deriver)
    while try deriver.forgetOldest() == .went {}
    let sent = try store.records(.summary).count
    try store.write([message("cam-0", 15, received: 601)], at: RandomStream.origin + .seconds(601))
    try derive(deriver)
    try derive(deriver, at: 100)
    let next = try store.deriver()
    try store.write([message("cam-0", 16, received: 602)], at: RandomStream.origin + .seconds(602))
    try derive(next, at: 200)
    try next.finish()
    #expect(deriver.counts.tooLate == 3 && next.counts.tooLate == 3)
    let fresh = try store.records(.summary).dropFirst(sent)
    #expect(fresh.allSatisfy { $0["revision"] as? Int == 0 })
  }

  @Test("wait for late readings, and for a clock that somebody vouches for")
  func waits() throws {
    let store = try TemporaryStore()
    store.trustsClock = false
    try run(store, minutes: 10)
    let deriver = try store.deriver()
    try derive(deriver)
    try store.write([message("cam-0", 15, received: 601)], at: RandomStream.origin + .seconds(601))
    try derive(deriver)
    let before = try rows(store)
    #expect(try deriver.forgetOldest() == .waits)
    #expect(try rows(store) == before)
    try derive(deriver, at: 100)
    let clock = ClockReading(
      wall: RandomStream.origin + .minutes(15), boot: "another", sinceBoot: .seconds(5), synchronised: false)
    try store.write(StreamSegment(messages: [], clock: clock))
    try derive(deriver)
    #expect(try deriver.forgetOldest() == .nothing)
    let set = ClockReading(
      wall: RandomStream.origin + .seconds(700), boot: "another", sinceBoot: .seconds(15), synchronised: true)
    try store.write(StreamSegment(messages: [], clock: set))
    try derive(deriver)
    #expect(try deriver.forgetOldest() == .went)
  }

  @Test("do not keep what comes after a clock was set back from counting")
  func setBack() throws {
    let store = try TemporaryStore()
    try run(store, minutes: 1)
    try store.write([message("cam-0", 7200, received: 7200)], at: RandomStream.origin + .seconds(7200))
    try store.write([], at: RandomStream.origin + .seconds(7300))
    let deriver = try store.deriver()
    try derive(deriver)
    while try deriver.forgetOldest() == .went {}
    for second in stride(from: Int64(100), through: 160, by: 5) {
      try store.write([message("cam-0", second, received: second)], at: RandomStream.origin + .seconds(second))
    }
    try derive(deriver)
    try deriver.finish()
    let latest = try store.latestSummaries()
    for start in [Int64(120), 130, 140] {
      let key = BruteForce.Key(
        device: "cam-0", start: (RandomStream.origin + .seconds(start)).nanoseconds,
        length: RandomStream.length.nanoseconds)
      #expect(latest[key]?["received"] as? Int == 2, "window at \(start) s")
    }
  }

  @Test("do not keep anything from counting once the clock is right, whatever it did before", arguments: [true, false])
  func everyClock(trustsClock: Bool) throws {
    let isRight = [ClockCourse.Step](repeating: .timeServer, count: 4)
    var forgotten = 0
    for course in ClockCourse.all(2) {
      let store = try TemporaryStore()
      store.trustsClock = trustsClock
      store.retirement = .seconds(120)
      var rules = BruteForce.Rules()
      rules.trustsAll = trustsClock
      rules.retirement = store.retirement
      let segments = ClockCourse(steps: course.steps + isRight).segments
      let deriver = try store.deriver()
      for (number, segment) in segments.enumerated() {
        try store.write(segment)
        try derive(deriver, at: Int64(2 * number))
        while try deriver.forgetOldest() == .went { forgotten += 1 }
      }
      try derive(deriver, at: 1000)
      try deriver.finish()
      // The first window of which every message came by the right clock, with the one that is open when it is set.
      let set = segments[(1 + course.steps.count) * ClockCourse.segmentsPerStep].clock.wall
      let from = (set + .seconds(2)).floored(to: RandomStream.length) + RandomStream.length
      let records = try store.latestSummaries()
      let expected = BruteForce.summaries(segments, rules).filter { key, _ in
        key.start >= from.nanoseconds && key.start < (set + .seconds(60)).nanoseconds
      }
      #expect(expected.count >= 8, "\(course)")
      for (key, want) in expected {
        #expect(records[key]?["received"] as? Int == want.received, "\(course): \(key)")
      }
    }
    #expect(forgotten > 0)
  }

  // MARK: Every summary

  /// Three random streams, a quarter of an hour after one another: what is late is late by less.
  private func stream(_ generator: inout Seeded) -> [StreamSegment] {
    (Int64(0)..<3).flatMap { number in
      let pause = Span.minutes(15 * number)
      return RandomStream(&generator).segments.map { segment in
        var segment = segment
        segment.clock = ClockReading(
          wall: segment.clock.wall + pause, boot: segment.clock.boot, sinceBoot: segment.clock.sinceBoot + pause,
          synchronised: segment.clock.synchronised)
        segment.messages = segment.messages.map { message in
          var message = message
          message.time = message.time.map { $0 + pause }
          message.received = message.received + pause
          return message
        }
        return segment
      }
    }
  }

  /// - Parameter remembers: how much is remembered come what may.
  /// - Returns: the faults, and how often something was forgotten.
  private func faults(_ seed: Int, remembers: Span) throws -> (faults: [String], forgotten: Int) {
    var generator = Seeded(state: UInt64(seed) &* 104_729 &+ 5)
    let segments = stream(&generator)
    let store = try TemporaryStore()
    store.longer = [[], [.seconds(30)], [.seconds(30), .seconds(60)]].randomElement(using: &generator)!
    if Bool.random(using: &generator) { store.retirement = .seconds(120) }
    var rules = BruteForce.Rules()
    rules.lengths += store.longer
    rules.retirement = store.retirement
    func process() throws -> Deriver {
      let deriver = try store.deriver()
      deriver.remembers = remembers
      deriver.forgetsAtOnce = 1 + seed % 9
      return deriver
    }
    var deriver = try process()
    var forgotten = 0
    var now = Span.seconds(1)
    for segment in segments {
      try store.write(segment)
      if Bool.random(using: &generator) { _ = try deriver.turn(now: now) }
      while try Int.random(in: 0..<4, using: &generator) > 0 && deriver.forgetOldest() == .went { forgotten += 1 }
      now = now + .milliseconds(Int64.random(in: 0...4000, using: &generator))
      if Int.random(in: 0..<9, using: &generator) == 0 { deriver = try process() }
    }
    while try !deriver.turn(now: now) {}
    try deriver.finish()
    return (try Comparison.faults(store, segments, rules), forgotten)
  }

  @Test("cost no summary anything, of whatever comes within the time that is remembered")
  func everySummary() throws {
    var forgotten = 0
    for seed in EverySummaryTests.first..<EverySummaryTests.first + EverySummaryTests.count {
      let outcome = try faults(seed, remembers: Deriver.leastRemembered)
      #expect(outcome.faults == [], "stream \(seed)")
      if !outcome.faults.isEmpty { return }
      forgotten += outcome.forgotten
    }
    #expect(forgotten > EverySummaryTests.count)
  }

  @Test("and where less is remembered, it shows")
  func control() throws {
    #expect(try (0..<20).contains { try faults($0, remembers: .zero).faults != [] })
  }
}
