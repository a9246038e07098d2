import Telemetry

/// One topic of a source that a profile explains.
final class MappingReader: TopicReader {
  private struct Candidate {
    let rule: MappingRule
    let captures: [String: String]
    /// Of the rules whose device the topic alone says.
    let device: Device?
  }

  private let format: MappingFormat
  private let candidates: [Candidate]
  let device: Device?

  init(_ format: MappingFormat, _ rules: [(rule: MappingRule, captures: [String: String])], _ message: Message) {
    self.format = format
    candidates = rules.map { rule, captures in
      Candidate(rule: rule, captures: captures, device: format.staticDevice(rule, captures))
    }
    let isAlone =
      candidates.allSatisfy { $0.device != nil && !$0.rule.isBridge }
      && Set(candidates.compactMap { $0.device?.index }).count == 1
    device = isAlone ? candidates.first?.device : nil
  }

  var payloadDecidesDevice: Bool { device == nil }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    // A topic that was cleared; never a zero.
    if payload.isEmpty { return .ignored("an empty payload: the topic was cleared") }
    if let content = BinaryContent.describe(payload) { return .ignored("\(content): passed over") }
    let root: JSONValue
    do throws(DecodingFault) { root = try format.tree.parse(payload, message) } catch { return .refused(error) }
    if let twice = DuplicateKeys.first(in: root) {
      let fault = DecodingFault(path: twice, "the key stands twice; the first one counts")
      if candidates.contains(where: \.rule.rule.refusesDuplicateKeys) { return .refused(fault) }
      message.fault(fault)
    }
    for candidate in candidates {
      let rule = candidate.rule
      var scope = MappingScope(value: root, path: "", captures: candidate.captures, message: message)
      if !rule.roots.isEmpty {
        guard let place = rule.roots.first(where: { root.resolve($0.pointer) != nil }),
          let found = root.resolve(place.pointer)
        else { continue }
        scope = MappingScope(value: found, path: place.text, captures: candidate.captures, message: message)
      }
      if let when = rule.when, !when.hold(scope) { continue }
      message.trace?.began("[[message]] \(rule.number + 1), topic \(rule.rule.topic)", candidate.captures)
      if let reason = rule.rule.ignore { return .ignored(reason) }
      if let drop = rule.drop, drop.hold(scope) { return .ignored("dropped: what `drop` says holds") }
      return run(candidate, scope, message)
    }
    return .ignored("no [[message]] of \(format.profile.name) is for this payload")
  }

  private func run(_ candidate: Candidate, _ scope: MappingScope, _ message: Message) -> Decoder.Outcome {
    let rule = candidate.rule
    var found = false
    if let each = rule.each {
      each.each(in: scope) { item in found = take(candidate, item, message) || found }
    } else {
      found = take(candidate, scope, message)
    }
    if message.isEmpty, !message.hasFaults, !found, !rule.rule.delta {
      return .refused(DecodingFault(payload: "no value at any path that \(format.profile.name) maps"))
    }
    return message.outcome(nothing: "the values there say that nothing is known or happened")
  }

  /// Whether any metric found a value, of whatever meaning.
  private func take(_ candidate: Candidate, _ scope: MappingScope, _ message: Message) -> Bool {
    guard let device = candidate.device ?? format.device(candidate.rule, scope) else {
      message.fault(
        DecodingFault(path: scope.path, "its device's name is not there, or the limit of known devices is reached"))
      return true
    }
    let moment = candidate.rule.times.moment(scope) ?? message.received
    var found = false
    for metric in candidate.rule.metrics {
      let devices = metric.rule.children ? format.children(scope.captures) : [device]
      if let each = metric.each {
        each.each(in: scope) { item in found = take(metric, item, devices, moment) || found }
      } else {
        found = take(metric, scope, devices, moment) || found
      }
    }
    return found
  }

  private func take(_ metric: MappingMetric, _ scope: MappingScope, _ devices: [Device], _ moment: Moment) -> Bool {
    let message = scope.message
    if let when = metric.when, !when.hold(scope) {
      left(metric, scope, "`when` doesn't hold")
      return false
    }
    if let drop = metric.drop, drop.hold(scope) {
      left(metric, scope, "`drop` holds")
      return true
    }
    if let constant = metric.rule.constant {
      emit(metric, metric.conversion.convert(text: constant), scope, devices, moment, path: nil)
      return true
    }
    if metric.paths.isEmpty {
      emit(metric, .values([(nil, .event(count: 1, attributes: []))]), scope, devices, moment, path: nil)
      return true
    }
    var isThere = false
    for (text, pointer) in metric.paths {
      guard let value = scope.value.resolve(pointer) else { continue }
      isThere = true
      let result = metric.conversion.convert(value)
      if case .none(let why) = result {
        message.trace?.left(scope.path + text, why)
        continue
      }
      emit(metric, result, scope, devices, moment, path: scope.path + text)
      break
    }
    return isThere
  }

  private func left(_ metric: MappingMetric, _ scope: MappingScope, _ reason: String) {
    guard let trace = scope.message.trace else { return }
    for (text, pointer) in metric.paths where scope.value.resolve(pointer) != nil {
      trace.left(scope.path + text, "\(metric.rule.name): \(reason)")
    }
  }

  private func emit(
    _ metric: MappingMetric, _ result: MappingConversion.Result, _ scope: MappingScope, _ devices: [Device],
    _ moment: Moment, path: String?
  ) {
    let message = scope.message
    switch result {
    case .none(let why): path.map { message.trace?.left($0, why) }
    case .fault(let reason):
      message.fault(DecodingFault(path: path ?? metric.rule.name.description, reason))
      path.map { message.trace?.left($0, reason) }
    case .values(let values):
      for (part, value) in values {
        var scope = scope
        if let part { scope.captures["part"] = String(part) }
        guard let name = metric.name.fill(scope, for: "the metric's name") else { continue }
        let labels = metric.labels.compactMap { label in
          label.value.fill(scope, for: "a label").map { Series.Label(label.name, $0) }
        }
        var value = value
        let kind: MetricKind
        switch value {
        case .number: kind = metric.rule.kind ?? .gauge
        case .state: kind = .state
        case .event(let count, _):
          kind = .event
          value = .event(
            count: count,
            attributes: metric.attributes.compactMap { attribute in
              attribute.value.fill(scope, for: "an attribute").map { Series.Label(attribute.name, $0) }
            })
        }
        let entry = CatalogueEntry(
          metric.name.isConstant ? name : MappingReader.clean(name), metric.rule.unit, kind, metric.rule.about)
        for device in devices {
          let isNew = message.count
          message.emit(device, entry, value, moment, labels: labels)
          if message.count > isNew { message.trace?.took(path) }
        }
      }
    }
  }

  /// What a payload or topic brings into a metric's name must not look like a label.
  private static func clean(_ name: String) -> String {
    String(name.map { "{}=, ".contains($0) ? "_" : $0 })
  }
}
