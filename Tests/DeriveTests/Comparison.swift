import Foundation
import Telemetry

/// Compares a record with what it should say.
enum Comparison {
  struct Fault: Error {
    var description: String
  }

  /// All in which the store's latest records differ from what the segments should have come to.
  static func faults(
    _ store: TemporaryStore, _ segments: [StreamSegment], _ rules: BruteForce.Rules, _ planted: PlantedFault? = nil
  ) throws -> [String] {
    let expected = BruteForce.summaries(segments, rules)
    let records = try store.latestSummaries(planted)
    var faults: [String] = []
    for (key, want) in expected where !want.isOptional && records[key] == nil {
      faults.append("\(key) is missing: \(want)")
    }
    for (key, record) in records {
      guard let want = expected[key] else {
        faults.append("\(key) should not be: \(record)")
        continue
      }
      guard !want.isOptional else { continue }
      faults += differences(record, want).map { "\(key): \($0)" }
    }
    return faults
  }

  static func differences(_ record: [String: Any], _ want: BruteForce.Expected) -> [String] {
    var list = Differences(isAhead: want.isAhead)
    list.same("received", record["received"], Double(want.received))
    list.same("quarantined", record["quarantined"] ?? 0, Double(want.quarantined))
    let metrics = record["metrics"] as? [String: [String: Any]] ?? [:]
    if want.members > 0 {
      list.compareGroup(record, metrics, want)
    } else {
      list.compareDevice(record, metrics, want)
    }
    return list.faults
  }
}

private struct Differences {
  /// What depends on earlier windows is not final.
  let isAhead: Bool
  var faults: [String] = []

  mutating func same(_ name: String, _ got: Any?, _ wanted: Double?) {
    let number = (got as? NSNumber)?.doubleValue
    switch (number, wanted) {
    case (nil, nil): break
    case (let a?, let b?) where abs(a - b) <= 1e-9 * max(1, abs(b)): break
    default: faults.append("\(name): \(String(describing: got)) instead of \(String(describing: wanted))")
    }
  }

  mutating func compareDevice(
    _ record: [String: Any], _ metrics: [String: [String: Any]], _ want: BruteForce.Expected
  ) {
    same("duplicates", record["duplicates"] ?? 0, Double(want.duplicates))
    if let quality = want.quality, record["time_quality"] as? String != ["trusted", "corrected", "untrusted"][quality] {
      faults.append("time_quality \(String(describing: record["time_quality"])) instead of \(quality)")
    }
    let gauge = metrics["g"]
    same("g.count", gauge?["count"], want.gauge.map { Double($0.count) })
    same("g.min", gauge?["min"], want.gauge?.min)
    same("g.max", gauge?["max"], want.gauge?.max)
    same("g.mean", gauge?["mean"], want.gauge?.mean)
    same("g.first", gauge?["first"], want.gauge?.first)
    same("g.last", gauge?["last"], want.gauge?.last)
    let isExact = (want.gauge?.count ?? 0) <= 32
    if isExact { same("g.p50", gauge?["p50"], want.gauge?.median) }
    let counter = metrics["c"]
    same("c.count", counter?["count"], want.counter.map { Double($0.count) })
    same("c.first", counter?["first"], want.counter?.first)
    same("c.last", counter?["last"], want.counter?.last)
    guard !isAhead else { return }
    same("c.increase", counter?["increase"], want.counter?.increase)
    same("c.resets", counter?["resets"], want.counter.map { Double($0.resets) })
    let state = metrics["s"]
    same("s.count", state?["count"], want.state.map { Double($0.count) })
    same("s.changes", state?["changes"], want.state.map { Double($0.changes) })
    if state?["last"] as? String != want.state?.last { faults.append("s.last") }
    let seconds = state?["seconds"] as? [String: Double] ?? [:]
    let wanted = (want.state?.seconds ?? [:]).filter { $0.value > 0 }
    if Set(seconds.keys) != Set(wanted.keys) { faults.append("s.seconds \(seconds) instead of \(wanted)") }
    for (name, value) in wanted { same("s.seconds.\(name)", seconds[name], value) }
    let gaps = (record["gaps"] as? [[String: String]] ?? []).map { gap in
      RFC3339.parse(gap["start"]!)!.nanoseconds..<RFC3339.parse(gap["end"]!)!.nanoseconds
    }
    if gaps != want.gaps { faults.append("gaps \(gaps) instead of \(want.gaps)") }
  }

  mutating func compareGroup(
    _ record: [String: Any], _ metrics: [String: [String: Any]], _ want: BruteForce.Expected
  ) {
    same("devices", record["devices"], Double(want.members))
    same("reporting", record["reporting"], Double(want.reporting))
    let gauge = metrics["g"]
    same("g.count", gauge?["count"], want.gauge.map { Double($0.count) })
    same("g.min", gauge?["min"], want.gauge?.min)
    same("g.max", gauge?["max"], want.gauge?.max)
    same("g.mean", gauge?["mean"], want.gauge?.mean)
    guard !isAhead else { return }
    same("c.increase", metrics["c"]?["increase"], want.counter?.increase)
    let states = (metrics["s"]?["devices"] as? [String: Int]) ?? [:]
    if states != want.lastStates { faults.append("s.devices \(states) instead of \(want.lastStates)") }
  }
}
