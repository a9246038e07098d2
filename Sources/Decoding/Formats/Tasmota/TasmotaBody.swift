import Telemetry

/// The values of a SENSOR or STATE message.
struct TasmotaBody {
  let device: Device
  let scope: JSONScope

  /// A member of the message itself; `root` is the message.
  func takeTop(_ name: String, _ value: JSONValue, _ path: String, _ root: JSONValue) {
    func place(_ below: String = "") -> String { path + "/" + JSONPointer.escape(name) + below }
    switch name {
    case "Time", "Epoch", "Uptime", "TempUnit", "PressureUnit", "SpeedUnit", "SleepMode", "Sleep": return
    case "UptimeSec": scope.number(value, device, SharedMetrics.uptime, place())
    case "Vcc": scope.number(value, device, SharedMetrics.voltage, place(), labels: [Series.Label("sensor", "Vcc")])
    case "Heap": scope.number(value, device, TasmotaMetrics.heap, place(), scale: 1024)
    case "LoadAvg": scope.number(value, device, TasmotaMetrics.load, place())
    case "MqttCount": scope.number(value, device, TasmotaMetrics.mqttCount, place())
    case "Wifi":
      scope.number(value.member("RSSI"), device, TasmotaMetrics.wifiQuality, place("/RSSI"))
      scope.number(value.member("Signal"), device, TasmotaMetrics.wifiSignal, place("/Signal"))
      scope.number(value.member("LinkCount"), device, TasmotaMetrics.wifiCount, place("/LinkCount"))
    case "ENERGY": energy(value, place())
    case "ZbReceived":
      // One sensor of a Zigbee bridge, or several, by their addresses.
      for (key, inner) in value.members where inner.kind == .object {
        guard let address = scope.message.shortText(key, path: place()) else { continue }
        sensor(address, inner, root, place("/" + JSONPointer.escape(address)), kind: "zigbee")
      }
    default:
      if value.kind == .object {
        sensor(name, value, root, place())
      } else if TasmotaReader.isNumbered(name, "POWER") {
        word(value, TasmotaMetrics.power, name, place())
      } else if TasmotaReader.isNumbered(name, "Switch") {
        word(value, TasmotaMetrics.input, name, place())
      } else {
        unknown(value, TasmotaMetrics.top, "tasmota.\(name)", place(), labels: [])
      }
    }
  }

  private func word(
    _ value: JSONValue, _ entry: CatalogueEntry, _ channel: String, _ path: @autoclosure () -> String
  ) {
    let text = value.text.trimmed
    let word = String(utf8: UnsafeRawBufferPointer(rebasing: text.prefix(8))).lowercased()
    guard word == "on" || word == "off" else {
      return scope.message.fault(DecodingFault(path: path(), "is neither ON nor OFF", showing: text))
    }
    scope.message.emit(device, entry, word, scope.moment, labels: [Series.Label("channel", channel)])
  }

  private func energy(_ object: JSONValue, _ path: @autoclosure () -> String) {
    guard object.kind == .object else {
      return scope.message.fault(DecodingFault(path: path(), "\(object.kindName), where an object was expected"))
    }
    for (key, value) in object.members {
      guard let field = scope.message.shortText(key, path: path()), !TasmotaMetrics.energyPassedOver.contains(field)
      else { continue }
      let rule = TasmotaMetrics.energyFields[field]
      values(value, rule, "ENERGY", field, path() + "/" + JSONPointer.escape(field), labels: [])
    }
  }

  private func sensor(
    _ name: String, _ object: JSONValue, _ root: JSONValue, _ path: @autoclosure () -> String, kind: String? = nil
  ) {
    // Keys of several sensors of a kind follow the order in which they were found; their identity is inside.
    let inner = object.member("Id") ?? (kind == nil ? nil : object.member("Name"))
    let identity = inner.flatMap { VendorValue($0, limits: scope.message.limits).label }
    let labels = [Series.Label("sensor", identity ?? name)]
    let isFahrenheit = root.member("TempUnit")?.text.equals("F") ?? false
    for (key, value) in object.members {
      guard let field = scope.message.shortText(key, path: path()), field != "Id" else { continue }
      if kind != nil, ["Device", "Name", "Endpoint", "Group"].contains(field) { continue }
      func place() -> String { path() + "/" + JSONPointer.escape(field) }
      let (stem, number) = TasmotaBody.numbered(field)
      let own = labels + (number.map { [Series.Label("channel", $0)] } ?? [])
      guard var rule = TasmotaBody.rule(stem, of: name) else {
        values(value, nil, kind ?? name, field, place(), labels: labels)
        continue
      }
      if isFahrenheit, stem == "Temperature" || stem == "DewPoint" {
        guard let number = scope.number(value, place()) else { continue }
        scope.message.emit(device, rule.entry, (number - 32) / 1.8, scope.moment, labels: own)
        continue
      }
      if stem == "Pressure" || stem == "SeaPressure" {
        rule = TasmotaMetrics.Rule(rule.entry, TasmotaBody.pressure(root))
      }
      values(value, rule, kind ?? name, field, place(), labels: own)
    }
  }

  /// `Temperature2`, one of several of a sensor, as its stem and number; other fields as they are.
  private static func numbered(_ field: String) -> (stem: String, number: String?) {
    let digits = field.reversed().prefix(while: \.isNumber).count
    guard digits > 0, digits <= 3, TasmotaMetrics.sensorFields[field] == nil else { return (field, nil) }
    let stem = String(field.dropLast(digits))
    return TasmotaMetrics.sensorFields[stem] == nil ? (field, nil) : (stem, String(field.suffix(digits)))
  }

  private static func rule(_ field: String, of sensor: String) -> TasmotaMetrics.Rule? {
    // Time-of-flight sensors measure in millimetres, ultrasonic ones in centimetres.
    if field == "Distance", sensor.hasPrefix("VL53") { return TasmotaMetrics.Rule(TasmotaMetrics.distance, 0.001) }
    return TasmotaMetrics.sensorFields[field]
  }

  /// How many hPa the unit is that the message says.
  private static func pressure(_ root: JSONValue) -> Double {
    guard let unit = root.member("PressureUnit")?.text else { return 1 }
    if unit.equals("mmHg") { return 1.33322387415 }
    if unit.equals("inHg") { return 33.86389 }
    return unit.equals("kPa") ? 10 : 1
  }

  /// A number, or one per phase.
  private func values(
    _ value: JSONValue, _ rule: TasmotaMetrics.Rule?, _ sensor: String, _ field: String,
    _ path: @autoclosure () -> String, labels: [Series.Label]
  ) {
    guard let rule else {
      let all = labels.isEmpty ? [Series.Label("sensor", sensor)] : labels
      return unknown(value, TasmotaMetrics.other, "tasmota.\(sensor).\(field)", path(), labels: all)
    }
    guard value.kind == .array else {
      return scope.number(value, device, rule.entry, path(), labels: labels, scale: rule.scale)
    }
    for (position, element) in value.elements.enumerated() {
      scope.number(
        element, device, rule.entry, "\(path())/\(position)",
        labels: labels + [Series.Label("phase", String(position + 1))], scale: rule.scale)
    }
  }

  /// What has no rule is taken where it is a number, or where it holds numbers, and passed over otherwise.
  private func unknown(
    _ value: JSONValue, _ entry: CatalogueEntry, _ name: String, _ path: @autoclosure () -> String,
    labels: [Series.Label]
  ) {
    switch value.kind {
    case .number, .unusable: scope.number(value, device, entry, path(), labels: labels, name: name)
    case .object:
      for (key, inner) in value.members {
        guard let field = scope.message.shortText(key, path: path()) else { continue }
        unknown(inner, entry, "\(name).\(field)", path() + "/" + JSONPointer.escape(field), labels: labels)
      }
    case .array:
      let isFlat = !labels.contains { $0.name == "index" }
      for (position, element) in value.elements.enumerated() where isFlat {
        let index = Series.Label("index", String(position + 1))
        unknown(element, entry, name, "\(path())/\(position)", labels: labels + [index])
      }
    case .string, .bool, .null: break
    }
  }
}
