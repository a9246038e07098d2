import Telemetry

/// What the name of a value says it is: metric, unit and kind, in the terms that the formats and profiles use. A metric
/// without a name keeps that of its place.
enum MetricGuess {
  /// - Parameters:
  ///   - words: of the value's own name, small; `["rx", "power"]`.
  ///   - around: of what stands before it.
  static func guess(_ words: [String], around: [String], _ seen: LeafStatistics) -> ProposedMetric? {
    guard !words.isEmpty else { return nil }
    return seen.isNumber ? number(words, around, seen) : word(words, seen)
  }

  private static func word(_ words: [String], _ seen: LeafStatistics) -> ProposedMetric? {
    if seen.saysAvailability,
      words.contains(
        where: ["status", "state", "online", "availability", "available", "alive", "lwt", "connected"].contains)
    {
      let isPlain = seen.vocabulary.isSubset(of: ["online", "offline", "degraded", "stopped"])
      return ProposedMetric(name: "availability", kind: .state, isAvailability: !isPlain)
    }
    if words == ["recording"] || words == ["rec"] { return ProposedMetric(name: "camera.recording", kind: .state) }
    if words == ["motion"] { return ProposedMetric(name: "camera.motion", kind: .state) }
    return nil
  }

  private static func number(_ words: [String], _ around: [String], _ seen: LeafStatistics) -> ProposedMetric? {
    let all = Set(words)
    func has(_ choices: String...) -> Bool { choices.contains(where: all.contains) }
    func isBetween(_ low: Double, _ high: Double) -> Bool { seen.lowest >= low && seen.highest <= high }
    let isOptical = has("rx", "tx", "optical", "light", "dbm", "rxpower", "txpower") || around.contains("optical")
    if isOptical, seen.unit == "dBm" || isBetween(-50, 12), has("rx", "rxpower") || has("dbm", "optical") && !has("tx")
    {
      let doubt = seen.unit == "dBm" || has("dbm") ? nil : "dBm by its range"
      return ProposedMetric(name: "optical.input-power", unit: "dBm", doubt: doubt)
    }
    if isOptical, seen.unit == "dBm" || isBetween(-50, 12), has("tx", "txpower") {
      let doubt = seen.unit == "dBm" || has("dbm") ? nil : "dBm by its range"
      return ProposedMetric(name: "optical.output-power", unit: "dBm", doubt: doubt)
    }
    if has("temp", "temperature", "suhu", "temperatur") {
      if seen.unit == "°F" || seen.unit == "F" { return ProposedMetric(name: "temperature", unit: "[degF]") }
      guard isBetween(-60, 150) else { return nil }
      return ProposedMetric(name: "hw.temperature", unit: "Cel")
    }
    if has("humidity", "hum", "kelembaban"), isBetween(0, 100) { return ProposedMetric(name: "hw.humidity", unit: "%") }
    if has("fps", "framerate") { return ProposedMetric(name: "camera.fps", unit: "1/s") }
    if has("bitrate") {
      return ProposedMetric(name: "camera.bitrate", unit: "kbit/s", doubt: "kbit/s is usual; it may be bit/s")
    }
    if has("uptime") {
      return ProposedMetric(
        name: "system.uptime", unit: "s", doubt: has("s", "sec", "seconds") ? nil : "seconds, probably")
    }
    if has("volt", "voltage", "tegangan") {
      return ProposedMetric(name: "hw.voltage", unit: seen.unit == "mV" || has("mv") ? "mV" : "V")
    }
    if has("ma") { return ProposedMetric(name: "", unit: "mA") }
    if has("current", "arus", "ampere", "amps"), !has("time") {
      return ProposedMetric(
        name: "hw.current", unit: seen.unit == "mA" ? "mA" : "A", doubt: "amperes, by the name alone")
    }
    if has("energy", "energi", "kwh") {
      return ProposedMetric(name: "", unit: "kW.h", kind: .counter, doubt: "kWh is usual; it may be Wh")
    }
    if has("power", "watt", "watts", "daya") {
      return ProposedMetric(name: "hw.power", unit: "W", doubt: has("watt", "watts") ? nil : "watts, by the name alone")
    }
    if has("battery", "baterai", "charge", "batt"), isBetween(0, 100) {
      let isShare = seen.highest <= 1 && !seen.isWhole
      return ProposedMetric(name: "battery.charge", scale: isShare ? nil : 0.01)
    }
    if has("rssi", "signal"), isBetween(-130, -1) { return ProposedMetric(name: "signal.strength", unit: "dBm") }
    if has("bytes", "octets"), !has("rate", "s") {
      return ProposedMetric(
        name: "", unit: "By", kind: seen.falling == 0 ? .counter : .gauge, doubt: "a running total, by its name")
    }
    if has("lux", "illuminance", "cahaya") { return ProposedMetric(name: "ambient.light", unit: "lx") }
    if has("rpm") || has("fan") && seen.highest > 100 { return ProposedMetric(name: "hw.fan.speed", unit: "rpm") }
    if has("brightness") {
      return ProposedMetric(name: "videotron.brightness", doubt: "as it is; 0 to 1 would be better")
    }
    if has("total", "count", "counter", "packets", "frames", "errors"), seen.onlyGrew {
      return ProposedMetric(name: "", kind: .counter, doubt: "counter: it only grew while we listened")
    }
    return nil
  }
}
