import Telemetry

/// What an alarm says to a person.
enum AlarmText {
  static func raised(_ rule: AlarmRule, _ device: Device, _ instance: String, _ value: Double?) -> String {
    switch rule.condition {
    case .missing(let span): return "nothing heard from \(device.name) for \(span)"
    case .below(let limit, _):
      return "\(instance) of \(device.name) is \(value.map(number) ?? "unknown"), below \(number(limit))"
    case .above(let limit, _):
      return "\(instance) of \(device.name) is \(value.map(number) ?? "unknown"), above \(number(limit))"
    }
  }

  /// The limit, or the silence in seconds.
  static func threshold(_ rule: AlarmRule) -> Double {
    switch rule.condition {
    case .below(let limit, _), .above(let limit, _): limit
    case .missing(let span): span.seconds
    }
  }

  static func number(_ value: Double, _ unit: String) -> String {
    unit == "1" ? number(value) : number(value) + " " + unit
  }

  static func number(_ value: Double) -> String {
    var bytes: [UInt8] = []
    JSONWriter.append(value, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
