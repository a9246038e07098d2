import Foundation
import Telemetry

@testable import Windows

/// A registry with one camera, and windows of a minute with 10 s of grace, from 2026-11-22T03:40:00Z on.
struct Bench {
  static let origin = Timestamp(nanoseconds: 1_795_318_800 * 1_000_000_000)
  let registry = Registry()
  let engine: WindowEngine
  let camera: Device
  private var sequence: Int64 = 0

  init(length: Span = .minutes(1), interval: Span? = .seconds(30), roomyDevices: Int = 1000) {
    let registry = registry
    var settings = WindowSettings(length: length)
    settings.roomyDevices = roomyDevices
    engine = WindowEngine(settings: settings) { registry.series[$0] }
    camera = registry.device("sman1/cam-03", class: .camera, site: "sman1", interval: interval)!
  }

  func series(_ metric: String, _ kind: MetricKind, unit: String = "1") -> Series {
    registry.series(of: camera, metric, unit: unit, kind: kind)!
  }

  static func at(_ seconds: Double) -> Timestamp { origin + Span(nanoseconds: Int64(seconds * 1e9)) }

  /// One message with one reading, taken `seconds` after the origin and received at once, or when said.
  @discardableResult
  mutating func add(
    _ series: Series, _ value: Observation.Value, _ seconds: Double, received: Double? = nil, retained: Bool = false,
    quality: TimeQuality = .trusted, timeSource: Observation.TimeSource = .payload
  ) -> Placement {
    sequence += 1
    return engine.add(
      [Observation(series: series, value: value, time: Bench.at(seconds), timeSource: timeSource)],
      MessageContext(
        sequence: sequence, segment: sequence, receivedAt: Bench.at(received ?? seconds), retained: retained,
        quality: quality))
  }

  static func late(_ start: Timestamp) -> Placement {
    var placement = Placement()
    placement.note(start, 0, isAhead: false)
    return placement
  }

  static var tooLate: Placement {
    var placement = Placement()
    placement.tooLate = 1
    return placement
  }

  /// Everything that falls due by then, as JSON objects, silent windows included.
  func seal(by seconds: Double) -> [[String: Any]] {
    var records: [[String: Any]] = []
    while let due = engine.nextDue(at: Bench.at(seconds)) {
      engine.seal(due, quality: .trusted) { summary in
        if let json = summary.json(revision: 0) { records.append(parse(json)) }
      }
    }
    return records
  }

  func parse(_ json: [UInt8]) -> [String: Any] {
    try! JSONSerialization.jsonObject(with: Data(json)) as! [String: Any]
  }
}

extension [String: Any] {
  func metric(_ name: String) -> [String: Any]? { (self["metrics"] as? [String: Any])?[name] as? [String: Any] }
  func number(_ key: String) -> Double? { (self[key] as? NSNumber)?.doubleValue }
  func text(_ key: String) -> String? { self[key] as? String }
}
