import Telemetry

/// A source on its way to being compiled.
struct SourceSetup {
  let source: SourceDefinition
  let zone: LocalZone
  let registry: Registry
  let limits: DecodingLimits
  let memory: DecoderMemory

  func compile() throws(DecoderSetupFault) -> any SourceFormat {
    if let profile = source.profile {
      try checkTemplates(profile.captureNames)
      return try MappingFormat(self, profile)
    }
    guard let format = BuiltInFormat(rawValue: source.format) else { throw unknownFormat() }
    if let implied = format.impliedCaptures { try checkTemplates(implied) }
    if !source.metrics.isEmpty, !format.takesMetrics {
      throw fault(
        "metric", "\(source.format) names its metrics itself",
        hint: "leave the metric tables out, or use format \"json\" with them")
    }
    if source.time != nil, !format.takesTime {
      throw fault("time", "\(source.format) payloads have their own place for the time", hint: "leave it out")
    }
    // With metric tables of its own, a source takes from a JSON payload what these say and nothing else.
    if !source.metrics.isEmpty, format != .scalar {
      return try JSONFormat(self, names: format)
    }
    switch format {
    case .json: return try JSONFormat(self, names: format)
    case .scalar: return try ScalarFormat(self)
    case .frigate: return try FrigateFormat(self)
    case .onvif: return try ONVIFFormat(self)
    case .axis: return try AxisFormat(self)
    case .tasmota: return try TasmotaFormat(self)
    case .telegraf: return TelegrafFormat(self)
    case .senml: return SenMLFormat(self)
    case .sparkplug: return SparkplugFormat(self)
    }
  }

  func fault(_ key: String, _ reason: String, hint: String? = nil) -> DecoderSetupFault {
    DecoderSetupFault(source: source.name, key: key, reason, hint: hint)
  }

  func naming(_ defaultClass: DeviceClass) -> Naming {
    Naming(source: source, defaultClass: defaultClass, registry: registry)
  }

  /// The source's own place for the time, compiled; `nil` where it has none.
  func timeReader() throws(DecoderSetupFault) -> TimeReader? {
    guard let mapping = source.time else { return nil }
    guard let pointer = JSONPointer(mapping.path) else {
      throw fault("time.path", pointerFault(mapping.path), hint: pointerHint(mapping.path))
    }
    return TimeReader(pointer: pointer, text: mapping.path, unit: mapping.unit, zone: zone)
  }

  func pointerFault(_ path: String) -> String {
    "\"\(Excerpt.text(path, limit: 60))\" is no JSON Pointer"
  }

  func pointerHint(_ path: String) -> String {
    path.hasPrefix("/")
      ? "write ~0 for ~ and ~1 for / inside a key"
      : "it begins with a slash: \"/\(Excerpt.text(path.split(separator: ".").joined(separator: "/"), limit: 60))\""
  }

  private func unknownFormat() -> DecoderSetupFault {
    if source.format.hasPrefix("profile:") {
      return fault(
        "format", "the profile \"\(Excerpt.text(String(source.format.dropFirst(8)), limit: 40))\" was not read",
        hint: "profiles are files that are found when a configuration file is read")
    }
    let name = source.format.lowercased()
    let nearest = Decoder.formats.min { EditDistance.between($0, name) < EditDistance.between($1, name) }
    let known = "known are " + Decoder.formats.joined(separator: ", ")
    let hint = nearest.flatMap { EditDistance.between($0, name) <= 3 ? "did you mean \"\($0)\"?" : nil } ?? known
    return fault("format", "there is no format \"\(Excerpt.text(source.format, limit: 40))\"", hint: hint)
  }

  /// A name that begins with a slash is a place in the payload, for profiles.
  private func checkTemplates(_ implied: [String]) throws(DecoderSetupFault) {
    let known = source.topic.captureNames + implied
    let labels = source.labels.sorted { $0.key < $1.key }.map { ("labels.\($0.key)", Optional($0.value)) }
    for (key, template) in [("device", source.device), ("site", source.site)] + labels {
      for name in template?.captureNames ?? [] where !known.contains(name) {
        if source.profile != nil, name.hasPrefix("/") { continue }
        throw fault(
          key, "{\(name)} is no capture of the topic \(source.topic)",
          hint: known.isEmpty
            ? "name a level of the topic: {\(name)}"
            : "there is " + known.map { "{\($0)}" }.joined(separator: ", "))
      }
    }
  }
}
