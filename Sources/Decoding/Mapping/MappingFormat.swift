import Telemetry

/// A source whose messages a `Profile` explains.
final class MappingFormat: SourceFormat {
  let profile: Profile
  let limits: DecodingLimits
  let tree = PayloadTree()
  private let source: SourceDefinition
  private let registry: Registry
  private let rules: [MappingRule]
  private let bridge: MappingTemplate?
  private let memory: DecoderMemory

  init(_ setup: SourceSetup, _ profile: Profile) throws(DecoderSetupFault) {
    self.profile = profile
    source = setup.source
    limits = setup.limits
    registry = setup.registry
    memory = setup.memory
    bridge = try profile.bridge.map { template throws(DecoderSetupFault) in
      try MappingRule.template(template, "bridge", setup)
    }
    var rules: [MappingRule] = []
    for (number, rule) in profile.messages.enumerated() {
      rules.append(try MappingRule(rule, number, profile, setup))
    }
    self.rules = rules
  }

  func reader(for topic: RoutedTopic, _ message: Message) -> any TopicReader {
    var fitting: [(rule: MappingRule, captures: [String: String])] = []
    for rule in rules {
      guard let own = rule.rule.topic.match(topic.text) else { continue }
      fitting.append((rule, topic.captures.merging(own) { topic, _ in topic }))
      // It takes whatever comes: no device may be made for the rules behind it.
      if rule.when == nil, rule.roots.isEmpty { break }
    }
    guard let first = fitting.first else {
      return SilentReader(ignoring: "\(profile.name) takes nothing of this topic")
    }
    if let reason = first.rule.rule.ignore, first.rule.when == nil { return SilentReader(ignoring: reason) }
    return MappingReader(self, fitting, message)
  }

  /// The device of a rule whose name needs no payload; `nil` where it needs one, or the registry is full.
  func staticDevice(_ rule: MappingRule, _ captures: [String: String]) -> Device? {
    guard !rule.needsPayloadForDevice else { return nil }
    guard let name = source.device?.fill(captures) ?? rule.device.fill(captures), !name.isEmpty else { return nil }
    return place(name, captures, rule)
  }

  func device(_ rule: MappingRule, _ scope: MappingScope) -> Device? {
    let name =
      rule.sourceDevice?.fill(scope, for: "the device's name") ?? rule.device.fill(scope, for: "the device's name")
    guard let name, !name.isEmpty, name.utf8.count <= limits.textBytes else { return nil }
    return place(name, scope.captures, rule)
  }

  private func place(_ name: String, _ captures: [String: String], _ rule: MappingRule) -> Device? {
    let device = registry.device(
      name, class: source.deviceClass ?? rule.rule.deviceClass ?? profile.deviceClass,
      site: source.site.flatMap { $0.fill(captures) } ?? profile.site?.fill(captures), interval: source.interval,
      labels: source.deviceLabels(captures))
    guard let device, !rule.isBridge, let key = bridge?.fill(captures) else { return device }
    memory.place(device, behind: DecoderMemory.bridgeScope(key))
    return device
  }

  func children(_ captures: [String: String]) -> [Device] {
    bridge?.fill(captures).map { memory.children(DecoderMemory.bridgeScope($0)) } ?? []
  }
}
