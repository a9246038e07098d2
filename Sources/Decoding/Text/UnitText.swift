/// Units as devices write them behind a number, and what they are in UCUM.
struct UnitText {
  /// UCUM, as written: `mA`.
  let unit: String
  /// UCUM of the same quantity without prefix, and how many of it one `unit` is: `A`, 0.001.
  let base: String
  let scale: Double

  private init(_ unit: String, _ base: String, _ scale: Double) {
    self.unit = unit
    self.base = base
    self.scale = scale
  }

  /// `nil` where the text is no unit that is known.
  static func find(_ text: String) -> UnitText? { table[text] }

  private static let table: [String: UnitText] = {
    var table: [String: UnitText] = [:]
    func add(_ spellings: [String], _ unit: String, _ base: String? = nil, _ scale: Double = 1) {
      for spelling in spellings { table[spelling] = UnitText(unit, base ?? unit, scale) }
    }
    add(["%", "percent", "pct"], "%")
    add(["C", "°C", "℃", "ºC", "degC", "Cel", "celsius"], "Cel")
    add(["F", "°F", "ºF", "degF"], "[degF]")
    add(["K"], "K")
    add(["dBm"], "dBm")
    add(["dB"], "dB")
    add(["V", "Volt", "volts"], "V")
    add(["mV"], "mV", "V", 1e-3)
    add(["kV"], "kV", "V", 1e3)
    add(["A"], "A")
    add(["mA"], "mA", "A", 1e-3)
    add(["uA", "µA", "μA"], "uA", "A", 1e-6)
    add(["W", "Watt", "watts"], "W")
    add(["mW"], "mW", "W", 1e-3)
    add(["kW"], "kW", "W", 1e3)
    add(["VA"], "V.A")
    add(["J"], "J")
    add(["Wmin"], "W.min", "J", 60)
    add(["Wh"], "W.h", "J", 3600)
    add(["kWh"], "kW.h", "J", 3_600_000)
    add(["Hz"], "Hz")
    add(["kHz"], "kHz", "Hz", 1e3)
    add(["MHz"], "MHz", "Hz", 1e6)
    add(["GHz"], "GHz", "Hz", 1e9)
    add(["lx", "lux"], "lx")
    add(["rpm", "RPM"], "rpm")
    add(["fps", "FPS"], "1/s")
    add(["s", "sec", "seconds"], "s")
    add(["ms"], "ms", "s", 1e-3)
    add(["us", "µs", "μs"], "us", "s", 1e-6)
    add(["min", "minutes"], "min", "s", 60)
    add(["h", "hours"], "h", "s", 3600)
    add(["m"], "m")
    add(["mm"], "mm", "m", 1e-3)
    add(["cm"], "cm", "m", 1e-2)
    add(["km"], "km", "m", 1e3)
    add(["Pa"], "Pa")
    add(["hPa", "mbar"], "hPa", "Pa", 100)
    add(["B", "By", "bytes"], "By")
    add(["kB", "KB"], "kBy", "By", 1e3)
    add(["MB"], "MBy", "By", 1e6)
    add(["GB"], "GBy", "By", 1e9)
    add(["KiB"], "KiBy", "By", 1024)
    add(["MiB"], "MiBy", "By", 1_048_576)
    add(["GiB"], "GiBy", "By", 1_073_741_824)
    add(["bps", "bit/s"], "bit/s")
    add(["kbps", "kbit/s"], "kbit/s", "bit/s", 1e3)
    add(["Mbps", "Mbit/s"], "Mbit/s", "bit/s", 1e6)
    add(["Gbps", "Gbit/s"], "Gbit/s", "bit/s", 1e9)
    add(["ppm"], "[ppm]")
    return table
  }()

  /// The UCUM unit's own entry: a mapping may ask for `mA` as well as for `A`.
  private static let byUnit: [String: UnitText] = Dictionary(
    table.values.map { ($0.unit, $0) }, uniquingKeysWith: { first, _ in first })

  /// By what a number in one unit of UCUM is multiplied to be in another; 1 where either of them says nothing, `nil`
  /// where they measure different things.
  static func factor(from unit: String, to wanted: String) -> Double? {
    unit == wanted || unit == "1" || wanted == "1" ? 1 : byUnit[unit]?.factor(to: wanted)
  }

  /// By what a number in this unit is multiplied to be in `wanted`; `nil` where the two measure different things.
  /// `1` is what a mapping has that doesn't say: the number is taken as it is.
  func factor(to wanted: String) -> Double? {
    if wanted == unit || wanted == "1" { return 1 }
    if wanted == base { return scale }
    guard let other = UnitText.byUnit[wanted], other.base == base else { return nil }
    return scale / other.scale
  }
}
