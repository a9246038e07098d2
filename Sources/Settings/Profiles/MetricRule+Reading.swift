import Telemetry

extension MetricRule {
  /// Keys that a plain metric table doesn't have.
  static let keys = [
    "value", "each", "labels", "attributes", "when", "drop", "none", "valid", "map", "map_case", "scale", "offset",
    "log10", "split", "tokens", "has", "children", "about",
  ]

  /// Whether a `[[source.metric]]` says more than name, path, unit and kind.
  static func isMeant(by table: TableReader) -> Bool {
    let saysMore = keys.contains(where: table.has)
    if case .array? = table.entry("path")?.value { return true }
    if case .string("auto")? = table.entry("kind")?.value { return true }
    return saysMore
  }

  private enum Kind: String, CaseIterable {
    case gauge, counter, state, event, auto
  }

  private enum MapCase: String, CaseIterable {
    case ignore, exact
  }

  /// - Parameter captures: what the message has; a metric's own `each` adds to it.
  init?(reading table: TableReader, captures: [String], needsPath: Bool = true) {
    table.require("name", example: "\"hw.temperature\"")
    let name = table.template("name", example: "hw.temperature")
    if let name, name.description.contains(where: { "=, ".contains($0) }) {
      table.fault(
        "`name` in \(table.title): \(quoted(name.description)) has a space, a comma or =", at: "name",
        hint: "for example name = \"hw.temperature\"")
    }
    let unit = table.unit("unit")
    let kind = table.choice("kind", Kind.self) ?? .gauge
    let paths = table.pointers("path", example: "/fps")
    let constant = table.text("value", example: "true")
    let each = table.each("each")
    let all = captures + MessageRule.captures(of: each ?? "") + ["part"]
    let labels = table.labels("labels", captures: all)
    let attributes = table.labels("attributes", captures: all)
    let when = table.conditions("when")
    let drop = table.conditions("drop")
    let none = table.words("none")
    let valid = table.range("valid")
    let words = MetricRule.words(table)
    let scale = table.number("scale", example: 0.01) ?? 1
    let offset = table.number("offset", example: -100) ?? 0
    let log10 = table.boolean("log10") ?? false
    let split = table.string("split", example: ", ")
    let tokens = table.string("tokens", example: " ")
    let has = table.words("has")
    let children = table.boolean("children") ?? false
    let about = table.text("about", example: "temperature of the case") ?? ""
    table.checkTemplate("name", name, captures: all)
    table.checkConditions("when", when, captures: all)
    table.checkConditions("drop", drop, captures: all)
    if table.has("has"), !table.has("tokens") {
      table.fault("`has` in \(table.title) needs `tokens`", at: "has", hint: "tokens = \" \" splits at spaces")
    }
    if table.has("attributes"), kind != .event {
      table.fault(
        "`attributes` in \(table.title) belong to events", at: "attributes", hint: "labels = { … } is for others")
    }
    if constant != nil, table.has("path") {
      table.fault("`value` in \(table.title) beside `path`", at: "value", hint: "leave one out")
    }
    if needsPath, constant == nil, !table.has("path"), kind != .event {
      table.fault("`path` is missing in \(table.title)", hint: "for example path = \"/fps\"; the whole payload is \"\"")
    }
    if scale == 0 {
      table.fault("`scale` in \(table.title) is 0", at: "scale", hint: "it is what the number is multiplied by")
    }
    table.finish()
    guard let name else { return nil }
    self.init(
      name: name, unit: unit ?? "1", kind: MetricKind(rawValue: kind.rawValue), paths: paths ?? [], constant: constant,
      each: each, labels: labels, attributes: attributes, when: when, drop: drop, none: none, valid: valid,
      words: words, scale: scale, offset: offset, log10: log10, split: split, tokens: tokens, has: has,
      children: children, about: about)
  }

  private static func words(_ table: TableReader) -> Words? {
    let exact = table.choice("map_case", MapCase.self) == .exact
    guard let node = table.entry("map") else { return nil }
    switch node.value {
    case .string("boolean"): return .boolean
    case .string("availability"): return .availability
    case .table(let entries):
      var words: [String: String] = [:]
      for (key, value) in entries {
        if let word = TableReader.word(value) {
          words[key] = word
        } else {
          table.fault("`map` in \(table.title): what \(quoted(key)) becomes must be a text or a number", at: "map")
        }
      }
      return .table(words, exactCase: exact)
    default:
      table.wrongType(
        "map", node, expected: "a table, \"boolean\" or \"availability\"", example: "{ on = \"true\", off = \"false\" }"
      )
      return nil
    }
  }
}
