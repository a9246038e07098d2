import Telemetry

/// One record of section 4 of the contract, ready to be written.
struct SummaryRecord {
  var device: Device
  var isGroup: Bool
  var start: Timestamp
  var end: Timestamp
  var content: WindowContent
  var heardBefore: Timestamp?
  var quality: TimeQuality
  var retired: Bool

  /// The whole, without `seq`, which the outbox gives.
  static func json(_ revision: Int, _ body: [UInt8]) -> [UInt8] {
    Array("{\"type\":\"summary\",\"revision\":\(revision),".utf8) + body
  }

  static func void(
    device: Device, isGroup: Bool, start: Timestamp, end: Timestamp, quality: TimeQuality
  ) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { json in
      head(device, isGroup, start, end, to: &json)
      json.field("received", 0)
      json.field("time_quality", quality.rawValue)
      json.field("void", true)
      json.object("metrics") { _ in }
    }
    return Array(writer.bytes.dropFirst())
  }

  private static func head(
    _ device: Device, _ isGroup: Bool, _ start: Timestamp, _ end: Timestamp, to json: inout JSONWriter
  ) {
    json.field(isGroup ? "group" : "device", device.name)
    if isGroup {
      if device.deviceClass != .other { json.field("class", device.deviceClass.rawValue) }
    } else {
      json.field("class", device.deviceClass.rawValue)
    }
    if let site = device.site { json.field("site", site) }
    json.field("start", start)
    json.field("end", end)
  }

  /// The fields that follow type and revision, with the closing brace.
  var body: [UInt8] {
    var writer = JSONWriter()
    writer.object { json in
      SummaryRecord.head(device, isGroup, start, end, to: &json)
      if isGroup {
        json.field("devices", content.members)
        json.field("reporting", content.reporting)
      }
      json.field("received", content.received)
      if isGroup {
        if let expected = content.expected { json.field("expected", expected) }
      } else if let expected = SummaryRecord.expected(device, start, end) {
        json.field("expected", expected)
      }
      if content.duplicates > 0 { json.field("duplicates", content.duplicates) }
      if content.quarantined > 0 { json.field("quarantined", content.quarantined) }
      json.field("time_quality", quality.rawValue)
      if let offset = content.offsets.steady { json.field("clock_offset", offset) }
      if content.isPartial { json.field("partial", true) }
      if retired { json.field("retired", true) }
      if !isGroup { writeGaps(to: &json) }
      json.object("metrics") { metrics in
        for (name, entry) in SummaryRecord.named(content.entries) {
          metrics.object(name) { SummaryRecord.write(entry, isGroup, to: &$0) }
        }
      }
    }
    return Array(writer.bytes.dropFirst())
  }

  /// How many messages a healthy device would have sent.
  static func expected(_ device: Device, _ start: Timestamp, _ end: Timestamp) -> Int64? {
    guard let interval = device.interval, interval > .zero else { return nil }
    return (end - start).nanoseconds / interval.nanoseconds
  }

  private func writeGaps(to json: inout JSONWriter) {
    guard let threshold = Presence.threshold(device.interval) else { return }
    let (list, more) = content.presence.gaps(in: start..<end, after: heardBefore, threshold: threshold)
    guard !list.isEmpty else { return }
    json.array("gaps") { array in
      for gap in list {
        array.object { object in
          object.field("start", gap.start)
          object.field("end", gap.end)
        }
      }
    }
    if more > 0 { json.field("more_gaps", more) }
  }

  /// Sorted by name. Where series of several kinds share a name, the first kind keeps it and the others say their kind.
  private static func named(_ entries: [WindowContent.Entry]) -> [(name: String, entry: WindowContent.Entry)] {
    let order = MetricKind.allCases
    let sorted = entries.sorted { a, b in
      a.series.key != b.series.key
        ? a.series.key < b.series.key
        : (order.firstIndex(of: a.series.kind) ?? 0) < (order.firstIndex(of: b.series.kind) ?? 0)
    }
    var named: [(name: String, entry: WindowContent.Entry)] = []
    var last: String?
    for entry in sorted {
      let series = entry.series
      if series.key == last {
        let kind = Series.Label("kind", series.kind.rawValue)
        named.append((Series.key(series.metric, (series.labels + [kind]).sorted()), entry))
      } else {
        named.append((series.key, entry))
        last = series.key
      }
    }
    return named
  }

  private static func write(_ entry: WindowContent.Entry, _ isGroup: Bool, to json: inout JSONWriter) {
    json.field("kind", entry.series.kind.rawValue)
    switch entry.figures {
    case .gauge(let gauge): write(gauge, entry.series.unit, to: &json)
    case .counter(let counter):
      json.field("unit", entry.series.unit)
      json.field("count", counter.count)
      json.field("first", counter.first)
      json.field("last", counter.last)
      json.field("increase", counter.growth.increase)
      json.field("resets", counter.growth.resets)
    case .state(let state): write(state, isGroup, to: &json)
    case .event(let count): json.field("count", count.value)
    }
  }

  private static func write(_ gauge: GaugeFigures, _ unit: String, to json: inout JSONWriter) {
    json.field("unit", unit)
    json.field("count", gauge.count)
    guard let report = gauge.report(GaugeFigures.Scale(unit: unit)) else { return }
    json.field("min", report.minimum)
    json.field("max", report.maximum)
    json.field("sum", report.sum)
    if let mean = report.mean { json.field("mean", mean) }
    if let deviation = report.deviation { json.field("stddev", deviation) }
    json.field("first", gauge.first)
    json.field("last", gauge.last)
    for (name, value) in zip(["p50", "p95", "p99"], report.percentiles) { json.field(name, value) }
  }

  private static func write(_ state: StateFigures, _ isGroup: Bool, to json: inout JSONWriter) {
    json.field("count", state.count)
    json.field("last", state.lastState)
    json.field("changes", state.changes)
    if isGroup {
      json.object("devices") { devices in
        for holder in state.holders.sorted(by: { $0.state < $1.state }) { devices.field(holder.state, holder.devices) }
      }
    }
    // Of a group, those of its average device: so they never add up to more than the window.
    let devices = isGroup ? max(1, state.holders.reduce(0) { $0 + $1.devices }) : 1
    json.object("seconds") { seconds in
      for stretch in state.held.sorted(by: { $0.state < $1.state }) where stretch.span > .zero {
        seconds.field(stretch.state, stretch.span.seconds / Double(devices))
      }
    }
  }
}
