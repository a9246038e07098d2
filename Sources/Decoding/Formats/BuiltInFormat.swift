import Telemetry

/// The formats that `format = "…"` can name.
enum BuiltInFormat: String, CaseIterable {
  case json, scalar, frigate, onvif, axis, tasmota, telegraf, sparkplug, senml

  /// Captures that templates may name beside the topic's; `nil` where the payload brings its own, so that a template
  /// can't be checked before.
  var impliedCaptures: [String]? {
    switch self {
    case .json, .scalar: []
    case .frigate: ["prefix", "camera"]
    case .onvif: ["prefix"]
    case .axis: ["serial"]
    case .tasmota: ["device"]
    case .sparkplug: ["group", "node", "device"]
    case .telegraf, .senml: nil
    }
  }

  /// Whether the payloads are JSON documents (or one value) whose parts a metric table can point at.
  var takesMetrics: Bool {
    switch self {
    case .json, .scalar, .frigate, .onvif, .axis, .tasmota: true
    case .telegraf, .sparkplug, .senml: false
    }
  }

  /// Whether `time` can point into the payload.
  var takesTime: Bool { self != .scalar && takesMetrics }

  var defaultClass: DeviceClass {
    switch self {
    case .frigate, .onvif, .axis: .camera
    case .json, .scalar, .tasmota, .telegraf, .sparkplug, .senml: .other
    }
  }

  var catalogue: [CatalogueEntry] {
    switch self {
    case .json, .scalar: []
    case .frigate: FrigateMetrics.all
    case .onvif: ONVIFMetrics.all
    case .axis: AxisMetrics.all
    case .tasmota: TasmotaMetrics.all
    case .telegraf: TelegrafMetrics.all
    case .sparkplug: SparkplugMetrics.all
    case .senml: SenMLMetrics.all
    }
  }
}

extension Decoder {
  /// What `format` may say, for errors and help.
  public static var formats: [String] { BuiltInFormat.allCases.map(\.rawValue) }

  /// All metrics that a built-in format emits. Empty for `json` and `scalar`, whose names come from the payload, the
  /// topic or the configuration, and for what is no format.
  public static func catalogue(of format: String) -> [CatalogueEntry] {
    BuiltInFormat(rawValue: format)?.catalogue ?? []
  }
}
