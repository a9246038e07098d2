import Telemetry

/// What `format = "tasmota"` emits. The device is the topic's part, class other. Sensors are told apart by the label
/// `sensor`: their own `Id` where they have one, else their key; phases by `phase`, from 1.
enum TasmotaMetrics {
  struct Rule {
    let entry: CatalogueEntry
    let scale: Double

    init(_ entry: CatalogueEntry, _ scale: Double = 1) {
      self.entry = entry
      self.scale = scale
    }
  }

  static let apparentPower = CatalogueEntry("hw.apparent_power", "V.A", .gauge, "apparent power")
  static let reactivePower = CatalogueEntry("hw.reactive_power", "var", .gauge, "reactive power")
  static let powerFactor = CatalogueEntry("hw.power_factor", "1", .gauge, "active by apparent power")
  static let frequency = CatalogueEntry("hw.frequency", "Hz", .gauge, "mains frequency")
  static let exported = CatalogueEntry("hw.energy.exported", "J", .counter, "energy given back")
  static let dewPoint = CatalogueEntry("hw.dew_point", "Cel", .gauge, "dew point")
  static let pressure = CatalogueEntry("hw.pressure", "hPa", .gauge, "air pressure")
  static let seaPressure = CatalogueEntry(
    "hw.pressure.sea_level", "hPa", .gauge, "air pressure, reduced to sea level")
  static let light = CatalogueEntry("ambient.light", "lx", .gauge, "ambient light")
  static let distance = CatalogueEntry("hw.distance", "m", .gauge, "measured distance")
  static let heap = CatalogueEntry("system.memory.free", "By", .gauge, "free heap")
  static let load = CatalogueEntry("tasmota.load", "%", .gauge, "average load of the main loop")
  static let mqttCount = CatalogueEntry("mqtt.connections", "1", .counter, "connections to the broker since the start")
  static let wifiCount = CatalogueEntry("wifi.connections", "1", .counter, "Wi-Fi connections since the start")
  static let wifiQuality = CatalogueEntry("wifi.quality", "%", .gauge, "Wi-Fi signal, as Tasmota's per cent")
  static let wifiSignal = CatalogueEntry("wifi.signal", "dBm", .gauge, "Wi-Fi signal")
  static let power = CatalogueEntry("switch.state", "1", .state, "a relay: on or off; label channel")
  static let input = CatalogueEntry("switch.input", "1", .state, "a wall switch: on or off; label channel")
  static let limit = CatalogueEntry(
    "tasmota.limit", "1", .state, "whether a power, voltage or current limit is passed: on or off; label limit")
  static let other = CatalogueEntry(
    "tasmota.{sensor}.{field}", "1", .gauge, "a number of a sensor that has no rule; labels sensor, and index in lists")

  static let top = CatalogueEntry(
    "tasmota.{field}", "1", .gauge, "a number beside the sensors that has no rule; label index in lists")

  static let energyFields: [String: Rule] = [
    "Total": Rule(SharedMetrics.energy, 3_600_000), "ExportActive": Rule(exported, 3_600_000),
    "Power": Rule(SharedMetrics.power), "ApparentPower": Rule(apparentPower), "ReactivePower": Rule(reactivePower),
    "Factor": Rule(powerFactor), "Frequency": Rule(frequency), "Voltage": Rule(SharedMetrics.voltage),
    "Current": Rule(SharedMetrics.current),
  ]

  /// Sums of a day or a reporting period: they follow from the total, and start anew each day.
  static let energyPassedOver: Set<String> = ["Yesterday", "Today", "Period", "TotalStartTime"]

  static let sensorFields: [String: Rule] = [
    "Temperature": Rule(SharedMetrics.temperature), "Humidity": Rule(SharedMetrics.humidity),
    "DewPoint": Rule(dewPoint), "Pressure": Rule(pressure), "SeaPressure": Rule(seaPressure),
    "Illuminance": Rule(light), "Distance": Rule(distance, 0.01), "Voltage": Rule(SharedMetrics.voltage),
    "Current": Rule(SharedMetrics.current), "Power": Rule(SharedMetrics.power),
  ]

  static let all: [CatalogueEntry] = [
    SharedMetrics.availability, SharedMetrics.temperature, SharedMetrics.humidity, SharedMetrics.voltage,
    SharedMetrics.current, SharedMetrics.power, SharedMetrics.energy, SharedMetrics.uptime, apparentPower,
    reactivePower, powerFactor, frequency, exported, dewPoint, pressure, seaPressure, light, distance, heap, load,
    mqttCount,
    wifiCount, wifiQuality, wifiSignal, power, input, limit, top,
    other,
  ]
}
