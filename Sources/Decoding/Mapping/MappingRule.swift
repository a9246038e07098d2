import Telemetry

/// A `MessageRule`, compiled.
final class MappingRule {
  let rule: MessageRule
  let number: Int
  let when: MappingConditions?
  let drop: MappingConditions?
  let roots: [(text: String, pointer: JSONPointer)]
  let each: MappingPath?
  let device: MappingTemplate
  /// The source's own template, where it names places in the payload.
  let sourceDevice: MappingTemplate?
  let times: MappingTimes
  let metrics: [MappingMetric]

  /// Whether the messages are a bridge's own, about all that is behind it.
  var isBridge: Bool { metrics.contains { $0.rule.children } }
  var needsPayloadForDevice: Bool { !device.isStatic || each != nil || sourceDevice?.isStatic == false }

  init(_ rule: MessageRule, _ number: Int, _ profile: Profile, _ setup: SourceSetup) throws(DecoderSetupFault) {
    self.rule = rule
    self.number = number
    let place = "message[\(number)]"
    when = try MappingRule.conditions(rule.when, "\(place).when", setup)
    drop = try MappingRule.conditions(rule.drop, "\(place).drop", setup)
    var roots: [(String, JSONPointer)] = []
    for root in rule.roots { roots.append((root, try MappingRule.pointer(root, "\(place).root", setup))) }
    self.roots = roots
    each = try rule.each.map { path throws(DecoderSetupFault) in try MappingRule.path(path, "\(place).each", setup) }
    device = try MappingRule.template(rule.device ?? profile.device, "\(place).device", setup)
    sourceDevice = try setup.source.device.map { template throws(DecoderSetupFault) in
      try MappingRule.template(template, "device", setup)
    }
    times = try MappingTimes(rule.times, setup)
    var metrics: [MappingMetric] = []
    for (index, metric) in rule.metrics.enumerated() {
      metrics.append(try MappingMetric(metric, "\(place).metric[\(index)]", setup))
    }
    self.metrics = metrics
  }

  static func pointer(_ text: String, _ key: String, _ setup: SourceSetup) throws(DecoderSetupFault) -> JSONPointer {
    guard let pointer = JSONPointer(text) else {
      throw setup.fault(key, setup.pointerFault(text), hint: setup.pointerHint(text))
    }
    return pointer
  }

  static func path(_ text: String, _ key: String, _ setup: SourceSetup) throws(DecoderSetupFault) -> MappingPath {
    guard let path = MappingPath(text) else {
      throw setup.fault(key, setup.pointerFault(text), hint: setup.pointerHint(text))
    }
    return path
  }

  static func template(
    _ template: Template, _ key: String, _ setup: SourceSetup
  ) throws(DecoderSetupFault) -> MappingTemplate {
    guard let compiled = MappingTemplate(template) else {
      throw setup.fault(key, setup.pointerFault(template.description))
    }
    return compiled
  }

  static func conditions(
    _ conditions: Conditions?, _ key: String, _ setup: SourceSetup
  ) throws(DecoderSetupFault) -> MappingConditions? {
    guard let conditions else { return nil }
    guard let compiled = MappingConditions(conditions) else {
      throw setup.fault(key, "is neither a JSON Pointer nor a capture", hint: "\"/event/type\" or \"{camera}\"")
    }
    return compiled
  }
}
