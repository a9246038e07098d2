import Telemetry
import Testing

@testable import Windows

@Suite("Longer windows, made of shorter ones")
struct LongerWindowTests {
  /// Messages with readings of several times, in any order, of four kinds of series.
  private func messages(_ bench: Bench, _ generator: inout Seeded) -> [([Observation], MessageContext)] {
    let all = [
      bench.series("g", .gauge), bench.series("d", .gauge, unit: "dBm"), bench.series("c", .counter),
      bench.series("s", .state), bench.series("e", .event), bench.series("a", .gauge, unit: "deg"),
    ]
    return (0..<Int.random(in: 1...120, using: &generator)).map { index in
      let time = Double.random(in: 0...600, using: &generator)
      let readings = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
        let series = all.randomElement(using: &generator)!
        let value: Observation.Value =
          switch series.kind {
          case .gauge: .number((Double.random(in: -50...50, using: &generator) * 100).rounded() / 100)
          case .counter: .number(Double(Int.random(in: 0...1000, using: &generator)))
          case .state: .state(["on", "off", "odd"].randomElement(using: &generator)!)
          case .event: .event(count: 1, attributes: [])
          }
        let apart = Bool.random(using: &generator) ? 0 : Double.random(in: 0...100, using: &generator)
        return Observation(
          series: series, value: value, time: Bench.at(min(time + apart, 599)), timeSource: .payload)
      }
      let context = MessageContext(
        sequence: Int64(index), segment: 1, receivedAt: Bench.at(600), retained: false, quality: .trusted,
        content: UInt64(index + 1))
      return (readings, context)
    }.flatMap { (readings, context) -> [([Observation], MessageContext)] in
      guard Int.random(in: 0..<5, using: &generator) == 0 else { return [(readings, context)] }
      var again = context
      again.sequence += 1000
      return [(readings, context), (readings, again)]
    }
  }

  private func compute(
    _ bench: Bench, _ messages: [([Observation], MessageContext)], length: Span, longer: [Span]
  ) -> [SealedSummary] {
    let registry = bench.registry
    let engine = WindowEngine(settings: WindowSettings(length: length, longer: longer)) { registry.series[$0] }
    var arrivals: [Timestamp: [Recomputation.Arrival]] = [:]
    for (readings, context) in messages {
      engine.arrivals(readings, context) { start, _, arrival in arrivals[start, default: []].append(arrival) }
    }
    var summaries: [SealedSummary] = []
    var start = Bench.origin
    while start < Bench.at(600) {
      let carries = summaries.last?.carries ?? [:]
      let readings = arrivals[start].map {
        Recomputation(device: bench.camera, start: start, arrivals: $0, carries: carries, longer: longer)
      }
      summaries.append(
        engine.summarise(
          bench.camera, start, readings: readings, carries: carries, heardBefore: summaries.last?.lastHeard,
          silence: .trusted, mayBeSilent: true))
      start = start + length
    }
    return summaries
  }

  @Test("equal those computed directly, also where a message has readings on both sides of a border")
  func equalDirect() throws {
    var generator = Seeded(state: 21)
    for _ in 0..<300 {
      let bench = Bench(interval: .seconds(Int64.random(in: 2...30, using: &generator)))
      let messages = messages(bench, &generator)
      let short = compute(bench, messages, length: .minutes(1), longer: [.minutes(5), .minutes(10)])
      let middle = join(bench, short, 5, level: 1)
      let long = join(bench, middle, 2, level: 2)
      for (joined, direct) in [
        (middle, compute(bench, messages, length: .minutes(5), longer: [])),
        (long, compute(bench, messages, length: .minutes(10), longer: [])),
      ] {
        #expect(joined.count == direct.count)
        for (a, b) in zip(joined, direct) {
          #expect(a.hasRecord == b.hasRecord)
          guard a.hasRecord else { continue }
          let (a, b) = (bench.parse(a.json(revision: 0)!), bench.parse(b.json(revision: 0)!))
          let differences = Likeness.differences(a, b)
          #expect(differences == [])
        }
      }
    }
  }

  /// Each as the gateway makes it, through the bytes that it keeps.
  private func join(_ bench: Bench, _ parts: [SealedSummary], _ count: Int, level: Int) -> [SealedSummary] {
    let registry = bench.registry
    let list = registry.series
    return stride(from: 0, to: parts.count, by: count).map { first in
      var content = WindowContent()
      let some = parts[first..<first + count]
      for part in some where part.hasRecord {
        let packed = part.content.packed(from: part.start) { $0.index }
        content.merge(
          later: WindowContent(packed: packed, from: part.start, list: list)!, level: level,
          interval: bench.camera.interval)
      }
      return bench.engine.summarise(
        bench.camera, parts[first].start, end: parts[first + count - 1].end, content: content,
        heardBefore: content.heardBefore, silence: .trusted, mayBeSilent: some.contains { $0.hasRecord })
    }
  }

  @Test("what is kept of a window reads back as it was")
  func coding() throws {
    var generator = Seeded(state: 5)
    for _ in 0..<200 {
      let bench = Bench()
      let list = bench.registry
      for summary in compute(bench, messages(bench, &generator), length: .minutes(5), longer: [.minutes(10)]) {
        let packed = summary.content.packed(from: summary.start) { $0.index }
        let read = try #require(WindowContent(packed: packed, from: summary.start, list: list.series))
        #expect(read.packed(from: summary.start) { $0.index } == packed)
        var cut = packed
        cut.removeLast()
        // Whatever it makes of a part, it doesn't crash.
        _ = WindowContent(packed: cut, from: summary.start, list: list.series)
      }
    }
  }
}

/// Compares records as JSON values: numbers to 1e-9.
enum Likeness {
  static func differences(_ a: Any, _ b: Any, _ path: String = "") -> [String] {
    switch (a, b) {
    case (let a as [String: Any], let b as [String: Any]):
      Set(a.keys).union(b.keys).sorted().flatMap { key -> [String] in
        guard let x = a[key], let y = b[key] else { return ["\(path).\(key) only on one side"] }
        return differences(x, y, path + "." + key)
      }
    case (let a as [Any], let b as [Any]):
      a.count == b.count
        ? zip(a, b).enumerated().flatMap { differences($1.0, $1.1, path + ".\($0)") } : ["\(path): counts differ"]
    case (let a as Double, let b as Double): abs(a - b) <= 1e-9 * max(1, abs(b)) ? [] : ["\(path): \(a) and \(b)"]
    default: "\(a)" == "\(b)" ? [] : ["\(path): \(a) and \(b)"]
    }
  }
}
