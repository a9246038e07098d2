import Telemetry
import Testing

@testable import Windows

@Suite("When windows open, seal and end")
struct WindowEngineTests {
  @Test("a window seals when a segment received at end plus grace is passed, not before")
  func grace() {
    var bench = Bench()
    bench.add(bench.series("x", .gauge), .number(1), 30)
    #expect(bench.seal(by: 69.999).isEmpty)
    #expect(bench.seal(by: 70).count == 1)
  }

  @Test("windows are half-open: the end belongs to the next")
  func halfOpen() {
    var bench = Bench()
    let gauge = bench.series("x", .gauge)
    bench.add(gauge, .number(1), 59.999)
    bench.add(gauge, .number(2), 60)
    let records = bench.seal(by: 130)
    #expect(records.map { $0.metric("x")?.number("last") } == [1, 2])
  }

  @Test("a reading for a sealed window is late")
  func late() {
    var bench = Bench()
    let gauge = bench.series("x", .gauge)
    bench.add(gauge, .number(1), 30)
    _ = bench.seal(by: 70)
    #expect(bench.add(gauge, .number(2), 40, received: 71) == Bench.late(Bench.origin))
  }

  @Test("a reading older than lateness is too late, but not on the word of a clock that isn't trusted")
  func tooLate() {
    var bench = Bench()
    let gauge = bench.series("x", .gauge)
    let day = 86_400.0
    #expect(bench.add(gauge, .number(1), 0, received: day + 1) == Bench.tooLate)
    #expect(bench.add(gauge, .number(1), 1, received: day + 1) == Bench.late(Bench.origin))
    #expect(
      bench.add(gauge, .number(1), 0, received: day + 1, quality: .untrusted) == Bench.late(Bench.origin))
  }

  @Test("a silent device has a record for every window until it was silent for a day; the last says so")
  func retirement() throws {
    var bench = Bench(length: .hours(1))
    bench.add(bench.series("x", .gauge), .number(1), 1800)
    let records = bench.seal(by: 48 * 3600)
    // Heard at half past; silent for 24 h at half past of the next day, inside the 25th window.
    #expect(records.count == 25)
    #expect(records.allSatisfy { ($0["retired"] != nil) == ($0.text("start") == records.last?.text("start")) })
    #expect(records.last?["retired"] as? Bool == true)
    bench.add(bench.series("x", .gauge), .number(1), 49 * 3600)
    #expect(bench.seal(by: 51 * 3600).first?.number("received") == 1)
  }

  @Test("a clock that leaps over years seals no windows of nobody")
  func leap() {
    let bench = Bench()
    bench.engine.begin(at: Bench.at(0))
    #expect(bench.seal(by: 60 * 365 * 86_400).isEmpty)
    #expect(bench.engine.sealedThrough == Bench.at(60 * 365 * 86_400 - 60))
  }

  @Test("a retained state is no reading and no sign of life, but sets what nothing newer says")
  func retained() throws {
    var bench = Bench()
    let availability = bench.series("availability", .state)
    bench.add(availability, .state("online"), 10, retained: true, timeSource: .received)
    #expect(bench.seal(by: 70).isEmpty)
    bench.add(availability, .state("offline"), 80, retained: true, timeSource: .received)
    bench.add(bench.series("x", .gauge), .number(1), 90)
    let record = try #require(bench.seal(by: 130).first)
    #expect(record.number("received") == 1)
    let metric = try #require(record.metric("availability"))
    #expect(metric.number("count") == 0)
    #expect(metric.text("last") == "online")
  }

  @Test("a retained reading that is no state counts nothing")
  func retainedGauge() {
    var bench = Bench()
    #expect(bench.add(bench.series("x", .gauge), .number(1), 10, retained: true) == Placement())
    #expect(bench.seal(by: 70).isEmpty)
  }

  @Test("readings of a counter that come a little late find their place; where it can't be told, that is told")
  func disorder() throws {
    let cases: [(readings: Int, roomyDevices: Int, late: Double, isDisordered: Bool)] = [
      (40, 1, 39.5, false), (40, 1, 16.5, false), (40, 1, 15.5, true), (40, 1, 0.5, true),
      // With many devices only the last few of what reports seldom.
      (12, 0, 11.5, false), (12, 0, 9.5, false), (12, 0, 7.5, true), (40, 0, 13.5, false), (40, 0, 12.5, true),
    ]
    for (readings, roomyDevices, late, isDisordered) in cases {
      var bench = Bench(roomyDevices: roomyDevices)
      let io = bench.series("io", .counter)
      for second in 1...readings { bench.add(io, .number(Double(second * 100)), Double(second)) }
      bench.add(io, .number(late * 100), late)
      let due = try #require(bench.engine.nextDue(at: Bench.at(70)))
      #expect(due.disordered.map(\.name) == (isDisordered ? ["sman1/cam-03"] : []), "\(readings), \(late)")
      #expect(due.segments == 1...Int64(readings + 1))
    }
  }

  @Test("what comes before everything else of a window that is young has its place, too")
  func earlierThanTheFirst() throws {
    var bench = Bench()
    let io = bench.series("io", .counter)
    bench.add(io, .number(300), 30)
    bench.add(io, .number(100), 10)
    bench.add(io, .number(200), 20)
    #expect(bench.engine.nextDue(at: Bench.at(70))?.disordered.isEmpty ?? false)
    #expect(bench.seal(by: 70).first?.metric("io")?.number("increase") == 200)
  }

  @Test("a window computed from all its readings equals the one that gathered them, in order or a little late")
  func recomputation() throws {
    var known = 0
    var generator = Seeded(state: 7)
    for round in 0..<200 {
      let bench = Bench(roomyDevices: round % 2)
      let all = [
        bench.series("g", .gauge), bench.series("c", .counter), bench.series("s", .state), bench.series("e", .event),
      ]
      var readings: [Recomputation.Arrival] = []
      for index in 0..<Int.random(in: 1...40, using: &generator) {
        let series = all.randomElement(using: &generator)!
        let value: Observation.Value =
          switch series.kind {
          case .gauge: .number(Double.random(in: -50...50, using: &generator))
          case .counter: .number(Double(Int.random(in: 0...1000, using: &generator)))
          case .state: .state(["on", "off", "unknown"].randomElement(using: &generator)!)
          case .event: .event(count: 1, attributes: [])
          }
        // Some come up to nine seconds late, and some at the very time of others.
        let late = Int.random(in: 0..<10, using: &generator) == 0 ? Int.random(in: 1..<10, using: &generator) : 0
        let observation = Observation(
          series: series, value: value, time: Bench.at(Double(max(0, index - late))), timeSource: .payload)
        let context = MessageContext(
          sequence: Int64(index), segment: 1, receivedAt: Bench.at(Double(index)), retained: false, quality: .trusted)
        readings.append(Recomputation.Arrival([observation], context))
        _ = bench.engine.add([observation], context)
      }
      let due = try #require(bench.engine.nextDue(at: Bench.at(70)))
      guard due.disordered.isEmpty else { continue }
      known += 1
      var summaries: [SealedSummary] = []
      bench.engine.seal(due, quality: .trusted) { summaries.append($0) }
      let sealed = try #require(summaries.first)
      let computed = bench.engine.summarise(
        bench.camera, Bench.origin,
        readings: Recomputation(device: bench.camera, start: Bench.origin, arrivals: readings, carries: [:]),
        carries: [:], heardBefore: nil, silence: .trusted, mayBeSilent: true)
      #expect(sealed.digest == computed.digest)
      #expect(sealed.carries == computed.carries)
    }
    #expect(known > 150)
  }
}

/// A small generator whose sequence a seed decides (SplitMix64).
struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}
