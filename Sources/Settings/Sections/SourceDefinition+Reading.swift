import Telemetry

extension SourceDefinition {
  /// Formats that say nothing of devices: the topic's captures are all that a template can name.
  private static let plainFormats: Set<String> = ["json", "scalar"]

  /// `nil` where a fault was told that leaves nothing to work with.
  init?(reading table: TableReader, names: inout [String: Int?], knownFormats: [String], profiles: ProfileReader) {
    let name = table.name("school-cctv", &names)
    let topic = SourceDefinition.topic(table)
    var profile: Profile?
    let format = SourceDefinition.format(table, knownFormats, profiles, &profile)
    let isPlain = format.map(SourceDefinition.plainFormats.contains) ?? false
    var captures = isPlain ? topic?.captureNames : nil
    if let profile, let topic { captures = topic.captureNames + profile.captureNames }
    let deviceClass = table.choice("class", DeviceClass.self)
    let device = SourceDefinition.template("device", table, captures)
    let site = SourceDefinition.template("site", table, captures)
    let labels = SourceDefinition.labels(table, captures)
    let interval = table.span("interval", in: .milliseconds(1) ... .hours(31 * 24), example: "30s")
    let time = TimeMapping(optional: table)
    if format == "scalar", table.has("time") {
      table.fault(
        "`time` in [[source]] has no effect: a scalar payload is the value itself", at: "time", hint: "leave it out")
    }
    let timezone = table.zone("timezone")
    let clock = table.choice("clock", ClockUse.self)
    let redact = SourceDefinition.names("redact", table, example: "plate")
    let unredacted = SourceDefinition.names("unredacted", table, example: "face")
    let redactedLevels = SourceDefinition.levels("redact_topic", table, topic)
    let metricTables = table.tables("metric", title: "[[source.metric]]")
    var metrics: [MetricMapping] = []
    if profile != nil, let first = metricTables.first {
      first.fault(
        "[[source.metric]] beside a profile, which names its metrics itself",
        hint: "copy the profile into the folder profiles beside this file, under another name, and change it there")
    } else if isPlain, metricTables.contains(where: MetricRule.isMeant) {
      profile = SourceDefinition.inline(metricTables, name ?? "", isScalar: format == "scalar", topic)
    } else {
      metrics = metricTables.compactMap { MetricMapping(reading: $0, format: format) }
    }
    table.finish()
    guard let name, let topic, let format else { return nil }
    self.init(
      name: name, topic: topic, format: format, deviceClass: deviceClass, device: device, site: site,
      labels: labels, interval: interval, time: time, metrics: metrics, timezone: timezone, clock: clock ?? .believe,
      profile: profile)
    self.redact = redact
    self.unredacted = unredacted
    self.redactedLevels = redactedLevels
  }

  /// Names of levels of the source's topic.
  private static func levels(_ key: String, _ table: TableReader, _ topic: TopicPattern?) -> [String] {
    let names = table.texts(key, example: "person")
    guard let topic else { return names }
    for name in names where !topic.captureNames.contains(name) {
      let known = topic.captureNames.map { "{\($0)}" }.joined(separator: ", ")
      table.fault(
        "`\(key)` in [[source]]: the topic has no level {\(name)}", at: key,
        hint: known.isEmpty ? "give the level a name in the topic: {\(name)}" : "it has \(known)")
    }
    return names
  }

  /// Names of fields, wherever they stand in a payload.
  private static func names(_ key: String, _ table: TableReader, example: String) -> [String] {
    let names = table.texts(key, example: example)
    for name in names where name.contains("/") || !name.contains(where: { $0.isLetter || $0.isNumber }) {
      table.fault(
        "`\(key)` in [[source]]: \(quoted(name)) is no name of a field", at: key,
        hint: "name the field alone, wherever it stands: \(key) = [\(quoted(example))]")
    }
    if names.count > 256 { table.fault("`\(key)` in [[source]] has more than 256 names", at: key) }
    return names
  }

  /// Metric tables that say more than a place: a profile of one message.
  private static func inline(
    _ tables: [TableReader], _ name: String, isScalar: Bool, _ topic: TopicPattern?
  ) -> Profile? {
    let captures = (topic?.captureNames ?? []) + TopicTail.implied
    let rules = tables.compactMap { table -> MetricRule? in
      var rule = MetricRule(reading: table, captures: captures, needsPath: !isScalar)
      if isScalar, rule?.constant == nil, rule?.paths.isEmpty == true { rule?.paths = [""] }
      return rule
    }
    guard let all = try? TopicTail("#"), let device = Template("{topic}") else { return nil }
    return Profile(name: name, device: device, messages: [MessageRule(topic: all, metrics: rules)])
  }

  private static func topic(_ table: TableReader) -> TopicPattern? {
    let example = "school/{site}/cctv/{cam}/telemetry"
    table.require("topic", example: quoted(example))
    guard let text = table.string("topic", example: example) else { return nil }
    do throws(TopicPattern.Fault) {
      return try TopicPattern(text)
    } catch {
      table.fault(
        "`topic` in [[source]]: \(error)", at: "topic",
        hint: "{name} is one level, {name...} all that is left; for example topic = \(quoted(example))")
      return nil
    }
  }

  private static func format(
    _ table: TableReader, _ known: [String], _ profiles: ProfileReader, _ profile: inout Profile?
  ) -> String? {
    table.require("format", example: "\"json\"")
    guard let text = table.string("format", example: "json") else { return nil }
    if known.contains(text) { return text }
    if text.hasPrefix("profile:") {
      switch profiles.profile(String(text.dropFirst(8))) {
      case .profile(let found):
        profile = found
        return text
      case .broken: return nil
      case .absent: break
      }
    }
    let known = known + profiles.shelf.names.map { "profile:" + $0 }
    let list = known.map { "\"\($0)\"" }.joined(separator: ", ")
    let near = Suggestion.nearest(to: text, among: known).map { "did you mean \"\($0)\"?" }
    table.fault("\(quoted(text)) is no `format` that is known", at: "format", hint: near ?? "one of \(list)")
    return nil
  }

  /// Each device keeps its own: a few words, no data.
  private static let mostLabels = 8

  private static func labels(_ source: TableReader, _ captures: [String]?) -> [String: Template] {
    let table = source.table("labels", title: "`labels` of [[source]]")
    if table.keys.count > mostLabels {
      table.fault("more than \(mostLabels) labels", hint: "keep those by which groups are formed")
    }
    var labels: [String: Template] = [:]
    for name in table.keys {
      let isWord = name.utf8.allSatisfy { $0 &- 97 < 26 || $0 &- 48 < 10 || $0 == UInt8(ascii: "_") }
      if !isWord || name.utf8.count > 64 || RollupRule.Key.reserved.contains(name) {
        table.fault(
          "a label can't be called \(quoted(name))", at: name, hint: "small letters, digits and _, such as village")
      }
      labels[name] = template(name, table, captures, example: "{village}")
    }
    table.finish()
    return labels
  }

  /// - Parameter captures: what the topic has; `nil` where the format may add to it, or the topic is not known.
  private static func template(
    _ key: String, _ table: TableReader, _ captures: [String]?, example: String = "{site}/{cam}"
  ) -> Template? {
    guard let text = table.text(key, example: example) else { return nil }
    guard let template = Template(text) else {
      table.fault(
        "`\(key)` in \(table.title): a brace in \(quoted(text)) is not closed, or encloses nothing", at: key,
        hint: "for example \(key) = \(quoted(example))")
      return nil
    }
    guard let captures else { return template }
    var isSound = true
    for name in template.captureNames where !captures.contains(name) {
      // A place in the payload, for profiles.
      if captures.contains("topic"), name.hasPrefix("/"), JSONPointer.fault(in: name) == nil { continue }
      isSound = false
      let list = captures.map { "{\($0)}" }.joined(separator: ", ")
      let near = Suggestion.nearest(to: name, among: captures).map { "did you mean {\($0)}?" }
      table.fault(
        "`\(key)` in \(table.title) names {\(name)}, which the topic doesn't have", at: key,
        hint: near ?? (captures.isEmpty ? "the topic captures nothing: write {name} for a level" : "it has \(list)"))
    }
    return isSound ? template : nil
  }
}
