import Telemetry

/// One record of section 4 of the contract, ready to be written.
struct SummaryRecord {
  var device: Device
  var start: Timestamp
  var end: Timestamp
  var received: Int
  var quality: TimeQuality
  var retired: Bool
  var entries: [DeviceWindow.Entry]
  /// Before the window.
  var carries: Carries
  /// For a silent window's states, which have no entry: every series that has a carry.
  var carriedSeries: [Series]

  /// The record's fields without `seq`, which the outbox gives.
  func json(revision: Int) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { json in
      json.field("type", "summary")
      json.field("device", device.name)
      json.field("class", device.deviceClass.rawValue)
      if let site = device.site { json.field("site", site) }
      json.field("start", start)
      json.field("end", end)
      json.field("revision", revision)
      json.field("received", received)
      if let interval = device.interval, interval > .zero {
        json.field("expected", (end - start).nanoseconds / interval.nanoseconds)
      }
      json.field("time_quality", quality.rawValue)
      if retired { json.field("retired", true) }
      json.object("metrics") { metrics in
        for (name, part) in parts() { part.write(name, to: &metrics) }
      }
    }
    return writer.bytes
  }

  private enum Part {
    case gauge(GaugeAccumulator, unit: String)
    case counter(CounterAccumulator, unit: String, carry: Carry?)
    case state(StateAccumulator, carry: Carry?, start: Timestamp, end: Timestamp)
    case event(Double)

    func write(_ name: String, to metrics: inout JSONWriter) {
      metrics.object(name) { json in
        switch self {
        case .gauge(let gauge, let unit): SummaryRecord.write(gauge, unit, to: &json)
        case .counter(let counter, let unit, let carry): SummaryRecord.write(counter, unit, carry, to: &json)
        case .state(let state, let carry, let start, let end): SummaryRecord.write(state, carry, start, end, to: &json)
        case .event(let count):
          json.field("kind", "event")
          json.field("count", count)
        }
      }
    }
  }

  /// Sorted by name. Where series of several kinds share a name, the first kind keeps it and the others say their kind.
  private func parts() -> [(name: String, part: Part)] {
    var parts: [(series: Series, part: Part)] = []
    for entry in entries {
      let carry = carries[entry.series.index]
      switch entry.accumulator {
      case .gauge(let gauge): parts.append((entry.series, .gauge(gauge, unit: entry.series.unit)))
      case .counter(let counter):
        parts.append((entry.series, .counter(counter, unit: entry.series.unit, carry: carry)))
      case .state(let state): parts.append((entry.series, .state(state, carry: carry, start: start, end: end)))
      case .event(let count): parts.append((entry.series, .event(count.value)))
      }
    }
    for series in carriedSeries where series.kind == .state {
      guard let carry = carries[series.index], !entries.contains(where: { $0.series === series }) else { continue }
      parts.append((series, .state(StateAccumulator(), carry: carry, start: start, end: end)))
    }
    let order = MetricKind.allCases
    parts.sort { a, b in
      a.series.key != b.series.key
        ? a.series.key < b.series.key
        : (order.firstIndex(of: a.series.kind) ?? 0) < (order.firstIndex(of: b.series.kind) ?? 0)
    }
    var named: [(name: String, part: Part)] = []
    var last: String?
    for (series, part) in parts {
      if series.key == last {
        let kind = Series.Label("kind", series.kind.rawValue)
        named.append((Series.key(series.metric, (series.labels + [kind]).sorted()), part))
      } else {
        named.append((series.key, part))
        last = series.key
      }
    }
    return named
  }

  private static func write(_ gauge: GaugeAccumulator, _ unit: String, to json: inout JSONWriter) {
    json.field("kind", "gauge")
    json.field("unit", unit)
    json.field("count", gauge.count)
    json.field("min", gauge.minimum)
    json.field("max", gauge.maximum)
    json.field("sum", gauge.total)
    json.field("mean", gauge.mean)
    json.field("stddev", gauge.standardDeviation)
    json.field("first", gauge.first)
    json.field("last", gauge.last)
    for (name, value) in zip(["p50", "p95", "p99"], gauge.sketch.percentiles([50, 95, 99])) {
      // A bucket's midpoint may lie outside of what was seen.
      if let value { json.field(name, min(max(value, gauge.minimum), gauge.maximum)) }
    }
  }

  private static func write(
    _ counter: CounterAccumulator, _ unit: String, _ carry: Carry?, to json: inout JSONWriter
  ) {
    var before = CounterGrowth()
    if case .number(let previous)? = carry?.value { before.step(from: previous, to: counter.first) }
    json.field("kind", "counter")
    json.field("unit", unit)
    json.field("count", counter.count)
    json.field("first", counter.first)
    json.field("last", counter.last)
    json.field("increase", before.increase + counter.growth.increase)
    json.field("resets", before.resets + counter.growth.resets)
  }

  private static func write(
    _ state: StateAccumulator, _ carry: Carry?, _ start: Timestamp, _ end: Timestamp, to json: inout JSONWriter
  ) {
    var held = state.held
    var changes = state.changes
    var last = state.lastState
    if let first = state.firstState {
      StateAccumulator.hold(&held, state.lastState, end - state.lastTime)
      if case .state(let carried)? = carry?.value {
        StateAccumulator.hold(&held, carried, state.firstTime - start)
        if carried != first { changes += 1 }
      }
    } else if case .state(let carried)? = carry?.value {
      StateAccumulator.hold(&held, carried, end - start)
      last = carried
    }
    json.field("kind", "state")
    json.field("count", state.count)
    json.field("last", last)
    json.field("changes", changes)
    json.object("seconds") { seconds in
      for (state, span) in held.sorted(by: { $0.state < $1.state }) { seconds.field(state, span.seconds) }
    }
  }
}
