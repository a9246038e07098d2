/// Units of the SenML registry (RFC 8428 and 8798), in UCUM.
enum SenMLUnit {
  /// A unit that is the same in both, or in neither registry, stays as it is.
  static func ucum(_ unit: String) -> String { table[unit] ?? unit }

  /// The metric that a unit stands for alone; `nil` where it may be of many things.
  static func quantity(_ unit: String) -> String? {
    switch unit {
    case "Cel": SharedMetrics.temperature.metric
    case "%RH": SharedMetrics.humidity.metric
    case "lx": TasmotaMetrics.light.metric
    case "V": SharedMetrics.voltage.metric
    case "A": SharedMetrics.current.metric
    case "W": SharedMetrics.power.metric
    case "lat": "location.latitude"
    case "lon": "location.longitude"
    default: nil
    }
  }

  private static let table: [String: String] = [
    "": "1", "/": "1", "count": "1", "%RH": "%", "%EL": "%", "EL": "s", "lat": "deg", "lon": "deg",
    "VA": "V.A", "kVA": "kV.A", "VAs": "V.A.s", "Wh": "W.h", "kWh": "kW.h", "varh": "var.h", "kvarh": "kvar.h",
    "VAh": "V.A.h", "kVAh": "kV.A.h", "Wh/km": "W.h/km", "Ah": "A.h", "l": "L", "l/s": "L/s", "beat/min": "1/min",
    "beats": "1", "event/s": "1/s", "event/min": "1/min", "1/s": "1/s", "pH": "[pH]", "Bspl": "B[SPL]", "dBW": "dB[W]",
    "dBm": "dBm", "B": "By", "KiB": "KiBy", "GB": "GBy", "MB": "MBy", "kB": "kBy", "Mbit/s": "Mbit/s", "mg/l": "mg/L",
    "ug/l": "ug/L", "g/l": "g/L", "ppm": "[ppm]", "ppb": "[ppb]", "/100": "%", "/1000": "[ppth]", "ohm": "Ohm",
    "Ohm": "Ohm", "NTU": "[NTU]",
  ]
}
