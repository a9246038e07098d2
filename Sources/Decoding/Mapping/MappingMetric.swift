import Telemetry

/// A `MetricRule`, compiled.
final class MappingMetric {
  let rule: MetricRule
  let name: MappingTemplate
  let paths: [(text: String, pointer: JSONPointer)]
  let each: MappingPath?
  let labels: [(name: String, value: MappingTemplate)]
  let attributes: [(name: String, value: MappingTemplate)]
  let when: MappingConditions?
  let drop: MappingConditions?
  let conversion: MappingConversion

  init(_ rule: MetricRule, _ place: String, _ setup: SourceSetup) throws(DecoderSetupFault) {
    self.rule = rule
    name = try MappingRule.template(rule.name, "\(place).name", setup)
    var paths: [(String, JSONPointer)] = []
    for path in rule.paths { paths.append((path, try MappingRule.pointer(path, "\(place).path", setup))) }
    self.paths = paths
    each = try rule.each.map { path throws(DecoderSetupFault) in try MappingRule.path(path, "\(place).each", setup) }
    var labels: [(String, MappingTemplate)] = []
    for label in rule.labels {
      labels.append((label.name, try MappingRule.template(label.value, "\(place).labels", setup)))
    }
    self.labels = labels
    var attributes: [(String, MappingTemplate)] = []
    for attribute in rule.attributes {
      attributes.append((attribute.name, try MappingRule.template(attribute.value, "\(place).attributes", setup)))
    }
    self.attributes = attributes
    when = try MappingRule.conditions(rule.when, "\(place).when", setup)
    drop = try MappingRule.conditions(rule.drop, "\(place).drop", setup)
    conversion = MappingConversion(rule, limits: setup.limits)
  }
}
