import Glibc
import Outbox
import Telemetry
import Testing

@testable import Uplinks

/// Random schedules of a bad network and a server in trouble: cuts, half-closed connections, late and swallowed answers,
/// every status that passes. `SCHEDULES=2000` for the long form.
@Suite("Whatever the network does", .serialized)
struct ScheduleTests {
  private static var count: UInt64 { getenv("SCHEDULES").flatMap { UInt64(String(cString: $0)) } ?? 100 }

  @Test("the receiver has what was sealed, each record once, without a hole, whatever came between")
  func schedules() throws {
    for seed in 1...Self.count {
      let outcome = try Self.run(seed)
      if !outcome.isEmpty {
        Issue.record("schedule \(seed): \(outcome)")
        return
      }
    }
  }

  /// Returns what is wrong, if anything.
  private static func run(_ seed: UInt64) throws -> String {
    var dice = Dice(seed)
    let receiver = UnrulyReceiver(seed: seed &* 7919, roughness: Int.random(in: 0...60, using: &dice))
    try receiver.start()
    defer { receiver.stop() }
    let order: UplinkDefinition.DrainOrder = Bool.random(using: &dice) ? .liveFirst : .oldestFirst
    let policy = RetryPolicy(base: .milliseconds(1), longest: .milliseconds(4), slow: .milliseconds(4))
    let bench = try Bench(receiver.url, policy: policy, synchronous: "OFF", change: { $0.drain = order })
    var sealed: [Lane: Int64] = [:]
    func append() throws {
      let lane = [Lane.summary, .summary, .status, .alarm, .backfill].randomElement(using: &dice) ?? .summary
      let count = Int.random(in: 1...12, using: &dice)
      try bench.append(lane, (0..<count).map { "\(lane.rawValue)-\(sealed[lane, default: 0] + Int64($0) + 1)" })
      sealed[lane, default: 0] += Int64(count)
    }
    for _ in 0..<Int.random(in: 0...12, using: &dice) { try append() }
    bench.uplink.start()
    for _ in 0..<Int.random(in: 1...12, using: &dice) {
      try append()
      if Int.random(in: 0..<3, using: &dice) == 0 { usleep(UInt32.random(in: 0...2000, using: &dice)) }
    }
    if Bool.random(using: &dice) { usleep(5000) }
    receiver.becomeCalm()
    guard try bench.until({ try bench.pending() == 0 }) else {
      return "\(try bench.pending()) records never left: \(bench.uplink.status)"
    }
    let applied = receiver.applied
    if applied.contradictions > 0 { return "\(applied.contradictions) numbers came with two contents" }
    for (lane, count) in sealed {
      let records = applied.records[lane.rawValue] ?? [:]
      guard records.count == Int(count), Set(records.keys) == Set(1...count) else {
        return "\(lane.rawValue): \(records.count) of \(count) records"
      }
      for (seq, line) in records where line != "{\"seq\":\(seq),\"text\":\"\(lane.rawValue)-\(seq)\"}" {
        return "\(lane.rawValue) \(seq) is \(line)"
      }
    }
    return bench.outbox.deadLetterCount == 0 ? "" : "\(bench.outbox.deadLetterCount) dead letters"
  }

  @Test("an alarm overtakes a backlog of many batches, and live summaries do unless the oldest go first")
  func overtaking() throws {
    for order in UplinkDefinition.DrainOrder.allCases {
      let receiver = UnrulyReceiver(seed: 1, roughness: 0)
      try receiver.start()
      defer { receiver.stop() }
      // Slow enough that the backlog lasts: two batches in a second.
      let bench = try Bench(
        receiver.url, synchronous: "OFF",
        change: { definition in
          definition.drain = order
          definition.traffic.maxRate = BitRate(bitsPerSecond: 8 * 20_000)
        })
      let noise = (0..<40).map { part in (0..<12_000).map { "\($0 &* (part + 17) % 89)" }.joined() }
      for text in noise { try bench.append(.summary, [text]) }
      bench.uplink.start()
      #expect(bench.until { receiver.applied.order.count > 2 })
      try bench.append(.summary, ["live"])
      try bench.append(.alarm, ["fire"])
      #expect(bench.until { receiver.applied.records["alarm"] != nil })
      #expect(receiver.applied.order.count < 30)
      if order == .liveFirst {
        #expect(bench.until { receiver.applied.records["summary"]?[41] != nil })
        #expect(receiver.applied.order.count < 40)
        #expect(receiver.applied.records["summary"]?[40] == nil)
      } else {
        #expect(receiver.applied.records["summary"]?[41] == nil)
      }
      #expect(bench.uplink.stop(within: .seconds(10)))
    }
  }

  @Test("over months and hours: what may not go is kept, told, and goes when it may")
  func heldBack() throws {
    let receiver = UnrulyReceiver(seed: 1, roughness: 0)
    try receiver.start()
    defer { receiver.stop() }
    let bench = try Bench(
      receiver.url, synchronous: "OFF",
      change: { definition in
        definition.traffic.backlogHours = [TrafficRules.Hours("22:00-05:00")].compactMap(\.self)
        definition.traffic.monthlyBudget = .mebibytes(1)
      })
    for part in 0..<20 { try bench.append(.summary, ["old-\(part)"]) }
    bench.uplink.start()
    #expect(bench.until { bench.uplink.status.state == .held })
    #expect(bench.uplink.status.heldBack?.contains("22:00-05:00") == true)
    try bench.append(.summary, ["new"])
    try bench.append(.alarm, ["fire"])
    #expect(bench.until { bench.uplink.status.deliveredBatches == 2 })
    #expect(receiver.applied.records["summary"]?[21] != nil)
    #expect(receiver.applied.records["summary"]?.count == 1 && receiver.applied.records["alarm"]?.count == 1)
    let budget = try #require(bench.uplink.status.budget)
    #expect(budget.limit == 1 << 20 && budget.spent > 500 && budget.left + budget.spent == budget.limit)
    #expect(bench.uplink.stop(within: .seconds(10)))
    // It is kept over a restart.
    #expect(try bench.outbox.used(by: "central").bytes >= budget.spent)
    let night = CalendarMoment(
      wall: Timestamp(milliseconds: 1_795_348_800_000), offset: .hours(11), isTrusted: true)
    var definition = UplinkDefinition(name: "central", url: receiver.url)
    definition.traffic.backlogHours = [TrafficRules.Hours("22:00-05:00")].compactMap(\.self)
    let next = try Uplink(
      definition: definition, outbox: bench.outbox, gateway: "gw", secret: { nil }, calendar: { night },
      log: { _, _ in })
    next.start()
    #expect(try bench.until { try bench.pending() == 0 })
    #expect(next.stop(within: .seconds(10)))
  }

  @Test("a receiver's answer may ask for raw messages, where the definition allows it")
  func requests() throws {
    let receiver = Receiver()
    try receiver.rules(
      #"say {"backfill":[{"id":"r1","device":"a/*","from":"2026-11-22T00:00:00Z","to":"2026-11-22T01:00:00Z"},{"id":2}]}"#
    )
    for allowed in [true, false] {
      let bench = try Bench(receiver.url, change: { $0.backfill = allowed })
      try bench.append(.summary, ["a"])
      bench.uplink.start()
      #expect(try bench.until { try bench.pending() == 0 })
      #expect(bench.logged.all.contains("asked r1") == allowed)
      #expect(bench.logged.all.filter { $0.hasPrefix("asked") }.count == (allowed ? 1 : 0))
    }
  }
}
