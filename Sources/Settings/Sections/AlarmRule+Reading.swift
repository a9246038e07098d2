import Telemetry

extension AlarmRule {
  /// `nil` where a fault was told that leaves nothing to work with.
  init?(reading table: TableReader, names: inout [String: Int?]) {
    let name = table.name("weak-light", &names)
    let deviceClass = table.choice("class", DeviceClass.self)
    let device = table.glob("device", example: "sman1/*")
    let site = table.glob("site", example: "sman*")
    let metric = table.text("metric", example: "optical.input-power", longest: 255)
    let condition = AlarmRule.condition(table)
    let hold = table.span("for", in: .zero ... .hours(31 * 24), example: "60s")
    let severity = table.choice("severity", Severity.self)
    table.finish()
    guard let name, let condition else { return nil }
    self.init(
      name: name, deviceClass: deviceClass, device: device, site: site, metric: metric, condition: condition,
      hold: hold ?? .zero, severity: severity ?? .warning)
  }

  private static func condition(_ table: TableReader) -> Condition? {
    let below = table.number("below", example: -27.0)
    let above = table.number("above", example: 70.0)
    let missing = table.span("missing", in: .seconds(1) ... .hours(31 * 24), example: "90s")
    let clear = table.number("clear", example: -26.0)
    let given = ["below", "above", "missing"].filter(table.has)
    guard let kind = given.first else {
      table.fault(
        "[[alarm]] has no condition", hint: "give one of below = -27.0, above = 70.0, missing = \"90s\"")
      return nil
    }
    guard given.count == 1 else {
      let list = given.map { "`\($0)`" }.joined(separator: " and ")
      table.fault(
        "[[alarm]] has \(list): exactly one of `below`, `above` and `missing` can stand", at: given.last,
        hint: "make two alarms of it")
      return nil
    }
    if kind == "missing" {
      for key in ["metric", "clear"] where table.has(key) {
        table.fault(
          "`\(key)` in [[alarm]] has no meaning beside `missing`, which asks whether a device is heard at all",
          at: key, hint: "leave it out")
      }
      return missing.map(Condition.missing)
    }
    if !table.has("metric") {
      table.fault(
        "`metric` is missing in [[alarm]]: `\(kind)` must know what it compares",
        hint: "for example metric = \"optical.input-power\"")
    }
    guard let limit = below ?? above else { return nil }
    if let clear, kind == "below" ? clear < limit : clear > limit {
      table.fault(
        "`clear` in [[alarm]] is on the wrong side: \(clear), while the alarm is raised \(kind) \(limit)", at: "clear",
        hint: "it must be \(kind == "below" ? "at or above" : "at or below") \(limit)")
      return nil
    }
    return kind == "below" ? .below(limit: limit, clear: clear ?? limit) : .above(limit: limit, clear: clear ?? limit)
  }
}
