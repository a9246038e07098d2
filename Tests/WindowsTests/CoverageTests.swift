import Telemetry
import Testing

@testable import Windows

@Suite("What a summary says of its coverage")
struct CoverageTests {
  @Test("gaps of more than three intervals are named, clipped to the window, also across its borders")
  func gaps() throws {
    var bench = Bench(length: .minutes(10), interval: .seconds(30))
    let gauge = bench.series("x", .gauge)
    for second in [10.0, 40, 200, 230, 1000] { bench.add(gauge, .number(1), second) }
    let records = bench.seal(by: 1300)
    let first = try #require(records[0]["gaps"] as? [[String: String]])
    #expect(
      first == [
        ["start": "2026-11-22T03:40:40Z", "end": "2026-11-22T03:43:20Z"],
        ["start": "2026-11-22T03:43:50Z", "end": "2026-11-22T03:50:00Z"],
      ])
    let second = try #require(records[1]["gaps"] as? [[String: String]])
    #expect(
      second == [
        ["start": "2026-11-22T03:50:00Z", "end": "2026-11-22T03:56:40Z"],
        ["start": "2026-11-22T03:56:40Z", "end": "2026-11-22T04:00:00Z"],
      ])
  }

  @Test("more gaps than sixteen are counted, in whatever order the messages come")
  func manyGaps() throws {
    var generator = Seeded(state: 3)
    for _ in 0..<200 {
      var presence = Presence()
      let times = (0..<Int.random(in: 2...60, using: &generator)).map { _ in
        Bench.at(Double(Int.random(in: 0...3000, using: &generator)))
      }
      var isOrderly = true
      for time in times where !presence.note(time, threshold: .seconds(20)) { isOrderly = false }
      let sorted = times.sorted()
      let gaps = zip(sorted, sorted.dropFirst()).filter { $1 - $0 > .seconds(20) }
      guard isOrderly else {
        #expect(gaps.count > Presence.maximum)
        continue
      }
      #expect(presence.gaps.map(\.start) == gaps.prefix(Presence.maximum).map(\.0))
      #expect(presence.gaps.map(\.end) == gaps.prefix(Presence.maximum).map(\.1))
      #expect(presence.more == max(0, gaps.count - Presence.maximum))
    }
  }

  @Test("a clock that is wrong by the same for all messages is told; a backlog is none")
  func offset() {
    var steady = OffsetFigures()
    for index in 0..<20 { steady.add(.milliseconds(25_200_000 + Int64(index) * 10)) }
    #expect(steady.steady == 25_200.1)
    var backlog = OffsetFigures()
    for index in 0..<20 { backlog.add(.seconds(Int64(index) * 30 + 20)) }
    #expect(backlog.steady == nil)
    var right = OffsetFigures()
    for index in 0..<20 { right.add(.milliseconds(Int64(index))) }
    #expect(right.steady == nil)
    var few = OffsetFigures()
    for _ in 0..<2 { few.add(.hours(7)) }
    #expect(few.steady == nil)
  }

  @Test("the mean of directions is a direction")
  func angles() throws {
    var bench = Bench()
    let angle = bench.series("wind", .gauge, unit: "deg")
    for (second, value) in [(1.0, 350.0), (2, 20)] { bench.add(angle, .number(value), second) }
    let cancelled = bench.series("other", .gauge, unit: "deg")
    for (second, value) in [(1.0, 0.0), (2, 180)] { bench.add(cancelled, .number(value), second) }
    let record = try #require(bench.seal(by: 70).first)
    #expect(abs(try #require(record.metric("wind")?.number("mean")) - 5) < 1e-9)
    #expect(record.metric("other")?["mean"] == nil)
    #expect(record.metric("other")?.number("max") == 180)
  }

  @Test("a group has its members' worst, their sums, and how many are in which state")
  func group() throws {
    let registry = Registry()
    let engine = WindowEngine(settings: WindowSettings(length: .minutes(1))) { registry.series[$0] }
    for (index, power) in [-18.0, -27.5].enumerated() {
      let interval = Span.seconds(30)
      let node = registry.device("node-\(index)", class: .fiberNode, site: "sman1", interval: interval)!
      func series(_ metric: String, _ kind: MetricKind, _ unit: String) -> Series {
        registry.series(of: node, metric, unit: unit, kind: kind)!
      }
      let readings = [
        Observation(
          series: series("power", .gauge, "dBm"), value: .number(power), time: Bench.at(1), timeSource: .payload),
        Observation(
          series: series("io", .counter, "By"), value: .number(100), time: Bench.at(1), timeSource: .payload),
        Observation(
          series: series("state", .state, "1"), value: .state(index == 0 ? "up" : "down"), time: Bench.at(1),
          timeSource: .payload),
      ]
      _ = engine.add(
        readings,
        MessageContext(
          sequence: Int64(index), segment: 1, receivedAt: Bench.at(1), retained: false, quality: .trusted))
    }
    let due = try #require(engine.nextDue(at: Bench.at(70)))
    let groups = GroupContents(start: Bench.origin, end: Bench.at(60), registry: Registry())
    engine.seal(due, quality: .trusted) { summary in
      groups.add(summary.content, of: summary.device, RollupRule(by: [.site]))
    }
    let bench = Bench()
    let record = bench.parse(try #require(groups.summaries(silence: .trusted).first?.json(revision: 0)))
    #expect(record.text("group") == "site=sman1")
    #expect(record["device"] == nil)
    #expect(record.number("devices") == 2)
    #expect(record.number("received") == 2)
    #expect(record.number("expected") == 4)
    #expect(record.metric("power")?.number("min") == -27.5)
    #expect(record.metric("state")?["devices"] as? [String: Int] == ["up": 1, "down": 1])
  }
}
