import Telemetry
import Testing

@testable import Windows

@Suite("What a summary says")
struct RecordTests {
  @Test("a gauge has count, extremes, sum, mean, population deviation, first, last and percentiles")
  func gauge() throws {
    var bench = Bench()
    let fps = bench.series("camera.fps", .gauge, unit: "1/s")
    for (second, value) in [(5.0, 24.0), (15, 26), (25, 22), (35, 28)] { bench.add(fps, .number(value), second) }
    let record = try #require(bench.seal(by: 70).first)
    let metric = try #require(record.metric("camera.fps"))
    #expect(record.text("start") == "2026-11-22T03:40:00Z")
    #expect(record.text("end") == "2026-11-22T03:41:00Z")
    #expect(record.number("received") == 4)
    #expect(record.number("expected") == 2)
    #expect(metric.number("count") == 4)
    #expect(metric.number("min") == 22)
    #expect(metric.number("max") == 28)
    #expect(metric.number("sum") == 100)
    #expect(metric.number("mean") == 25)
    // Deviations −1, 1, −3, 3: variance 20/4.
    #expect(abs(try #require(metric.number("stddev")) - 5.0.squareRoot()) < 1e-12)
    #expect(metric.number("first") == 24)
    #expect(metric.number("last") == 28)
    #expect(metric.number("p50") == 24)
    #expect(metric.number("p95") == 28)
    #expect(metric.text("unit") == "1/s")
  }

  @Test("first and last go by time, and by arrival where times are equal")
  func ties() throws {
    var bench = Bench()
    let fps = bench.series("camera.fps", .gauge)
    for (second, value) in [(20.0, 1.0), (10, 2), (10, 3), (20, 4)] { bench.add(fps, .number(value), second) }
    let metric = try #require(bench.seal(by: 70).first?.metric("camera.fps"))
    #expect(metric.number("first") == 2)
    #expect(metric.number("last") == 4)
  }

  @Test("in dBm the mean is formed in milliwatts, the sum is not")
  func decibels() throws {
    var bench = Bench()
    let power = bench.series("optical.input-power", .gauge, unit: "dBm")
    bench.add(power, .number(-10), 1)
    bench.add(power, .number(-20), 2)
    let metric = try #require(bench.seal(by: 70).first?.metric("optical.input-power"))
    // (0.1 mW + 0.01 mW) / 2 = 0.055 mW = −12.596… dBm.
    #expect(abs(try #require(metric.number("mean")) + 12.596373105057561) < 1e-9)
    #expect(metric.number("sum") == -30)
  }

  @Test("the deviation of a large value with a small spread keeps its digits")
  func largeOffset() throws {
    var bench = Bench()
    let gauge = bench.series("x", .gauge)
    for index in 0..<40 { bench.add(gauge, .number(1e9 + Double(index % 2)), Double(index)) }
    let metric = try #require(bench.seal(by: 70).first?.metric("x"))
    #expect(abs(try #require(metric.number("stddev")) - 0.5) < 1e-9)
  }

  @Test("a counter grows from the window before")
  func counterCarry() throws {
    var bench = Bench()
    let io = bench.series("hw.network.io", .counter, unit: "By")
    bench.add(io, .number(1000), 10)
    bench.add(io, .number(1500), 50)
    bench.add(io, .number(2100), 70)
    let records = bench.seal(by: 130)
    #expect(records.count == 2)
    #expect(records[0].metric("hw.network.io")?.number("increase") == 500)
    #expect(records[1].metric("hw.network.io")?.number("increase") == 600)
    #expect(records[1].metric("hw.network.io")?.number("first") == 2100)
  }

  @Test("after a reset a counter has grown from 0")
  func counterReset() throws {
    var bench = Bench()
    let io = bench.series("io", .counter)
    for (second, value) in [(10.0, 5000.0), (20, 5100), (30, 40), (40, 90)] { bench.add(io, .number(value), second) }
    let metric = try #require(bench.seal(by: 70).first?.metric("io"))
    #expect(metric.number("increase") == 190)
    #expect(metric.number("resets") == 1)
  }

  @Test("a 32-bit wrap is no reset")
  func counterWrap() throws {
    var bench = Bench()
    let io = bench.series("io", .counter)
    bench.add(io, .number(4_294_967_000), 10)
    bench.add(io, .number(704), 20)
    let metric = try #require(bench.seal(by: 70).first?.metric("io"))
    #expect(metric.number("increase") == 1000)
    #expect(metric.number("resets") == 0)
  }

  @Test("a state holds until the next, from the window before and into the window after")
  func state() throws {
    var bench = Bench()
    let availability = bench.series("availability", .state)
    bench.add(availability, .state("online"), 20)
    bench.add(availability, .state("offline"), 50)
    bench.add(availability, .state("online"), 70)
    let records = bench.seal(by: 200)
    let first = try #require(records[0].metric("availability"))
    #expect(first["seconds"] as? [String: Double] == ["online": 30, "offline": 10])
    #expect(first.number("changes") == 1)
    let second = try #require(records[1].metric("availability"))
    #expect(second["seconds"] as? [String: Double] == ["online": 50, "offline": 10])
    #expect(second.number("changes") == 1)
    let silent = try #require(records[2].metric("availability"))
    #expect(records[2].number("received") == 0)
    #expect(silent.number("count") == 0)
    #expect(silent.text("last") == "online")
    #expect(silent["seconds"] as? [String: Double] == ["online": 60])
  }

  @Test("events are counted, as often as they say")
  func events() throws {
    var bench = Bench()
    let motion = bench.series("motion", .event)
    bench.add(motion, .event(count: 1, attributes: []), 1)
    bench.add(motion, .event(count: 3, attributes: []), 2)
    #expect(bench.seal(by: 70).first?.metric("motion")?.number("count") == 4)
  }

  @Test("series of several kinds under one name stay apart")
  func sameName() throws {
    var bench = Bench()
    bench.add(bench.series("x", .gauge), .number(1), 1)
    bench.add(bench.series("x", .state), .state("on"), 2)
    let record = try #require(bench.seal(by: 70).first)
    #expect(record.metric("x")?.text("kind") == "gauge")
    #expect(record.metric("x{kind=state}")?.text("kind") == "state")
  }

  @Test("the time quality is the worst of its messages")
  func quality() throws {
    var bench = Bench()
    let gauge = bench.series("x", .gauge)
    bench.add(gauge, .number(1), 1)
    bench.add(gauge, .number(1), 2, quality: .untrusted)
    #expect(bench.seal(by: 70).first?.text("time_quality") == "untrusted")
  }
}
