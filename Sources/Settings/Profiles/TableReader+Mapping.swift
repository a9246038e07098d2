import Telemetry

/// Values that only the mapping language has.
extension TableReader {
  func template(_ key: String, example: String) -> Template? {
    guard let text = text(key, example: example) else { return nil }
    if let template = Template(text) { return template }
    fault(
      "`\(key)` in \(title): a brace in \(quoted(text)) is not closed, or encloses nothing", at: key,
      hint: "for example \(key) = \(quoted(example))")
    return nil
  }

  /// One JSON Pointer or a list of them; `nil` where there is none.
  func pointers(_ key: String, example: String) -> [String]? {
    guard let node = entry(key) else { return nil }
    guard case .array(let items) = node.value else { return pointer(key, example: example).map { [$0] } }
    return items.compactMap { item in
      guard case .string(let text) = item.value, JSONPointer.fault(in: text) == nil else {
        collector.add(
          "`\(key)` in \(title) must be a JSON Pointer or a list of them", line: item.line,
          hint: "for example \(key) = [\(quoted(example)), \"\"]")
        return nil
      }
      return text
    }
  }

  /// A pointer with at least one capture.
  func each(_ key: String) -> String? {
    guard let text = pointer(key, example: "/sensors/{n}") else { return nil }
    if !MessageRule.captures(of: text).isEmpty { return text }
    fault(
      "`\(key)` in \(title): \(quoted(text)) reaches one thing only", at: key,
      hint: "write {name} for a key or an index, for example \"/sensors/{n}\"")
    return nil
  }

  /// A text, number or boolean as a word.
  static func word(_ node: Node) -> String? {
    switch node.value {
    case .string(let text): return text
    case .integer(let number): return String(number)
    case .float(let number): return number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : "\(number)"
    case .boolean(let flag): return flag ? "true" : "false"
    case .table, .array, .moment: return nil
    }
  }

  /// One word or a list of words; empty where there is none.
  func words(_ key: String) -> [String] {
    guard let node = entry(key) else { return [] }
    return words(node, of: key)
  }

  private func words(_ node: Node, of key: String) -> [String] {
    if let word = TableReader.word(node) { return [word] }
    guard case .array(let items) = node.value else {
      wrongType(key, node, expected: "a word, a number or a list of them", example: "[\"--\", -65535]")
      return []
    }
    return items.compactMap { item in
      if let word = TableReader.word(item) { return word }
      collector.add("`\(key)` in \(title) must hold words and numbers, not \(item.kind)", line: item.line)
      return nil
    }
  }

  func range(_ key: String) -> ClosedRange<Double>? {
    guard let node = entry(key) else { return nil }
    if case .array(let items) = node.value, items.count == 2 {
      let ends = items.compactMap { TableReader.word($0).flatMap(Double.init) }
      if ends.count == 2, ends[0] <= ends[1], ends.allSatisfy(\.isFinite) { return ends[0]...ends[1] }
    }
    wrongType(key, node, expected: "the least and the greatest valid number", example: "[1, 60000]")
    return nil
  }

  func labels(_ key: String, captures: [String]) -> [MetricRule.Label] {
    let table = table(key, title: "`\(key)` of \(title)")
    return table.keys.compactMap { name in
      guard let template = table.template(name, example: "{n}") else { return nil }
      table.checkTemplate(name, template, captures: captures)
      return MetricRule.Label(name, template)
    }
  }

  func conditions(_ key: String) -> Conditions? {
    guard let node = entry(key) else { return nil }
    let nodes: [Node]
    if case .array(let items) = node.value { nodes = items } else { nodes = [node] }
    var alternatives: [[Conditions.Test]] = []
    for node in nodes {
      guard case .table(let entries) = node.value, !entries.isEmpty else {
        wrongType(key, node, expected: "a table, or a list of tables", example: "{ \"/state\" = [\"on\", \"off\"] }")
        continue
      }
      var tests: [Conditions.Test] = []
      for (operand, value) in entries.sorted(by: { $0.key < $1.key }) {
        if MessageRule.capture(operand) == nil, JSONPointer.fault(in: operand) != nil {
          collector.add(
            "`\(key)` in \(title): \(quoted(operand)) is neither a place nor a capture", line: value.line,
            hint: "\"/event/type\" or \"{camera}\"")
          continue
        }
        tests.append(Conditions.Test(operand, words(value, of: key)))
      }
      alternatives.append(tests)
    }
    return Conditions(alternatives)
  }

  /// `{ path, unit }`, `{ path, pattern, zone }`, or a list of these.
  func times(_ key: String) -> [TimeRule] {
    guard let node = entry(key) else { return [] }
    let nodes: [Node]
    if case .array(let items) = node.value { nodes = items } else { nodes = [node] }
    return nodes.compactMap { node in
      guard case .table(let entries) = node.value else {
        wrongType(key, node, expected: "a table, or a list of tables", example: "{ path = \"/ts\", unit = \"ms\" }")
        return nil
      }
      let table = TableReader(entries, title: "`\(key)` of \(title)", line: node.line, collector: collector)
      table.require("path", example: "\"/ts\"")
      let path = table.pointer("path", example: "/ts")
      let unit = table.choice("unit", TimeMapping.Unit.self)
      let pattern = table.text("pattern", example: "%Y-%m-%d %H:%M:%S")
      let zone = table.zone("zone")
      table.finish()
      if (unit == nil) == (pattern == nil) {
        table.fault(
          "`\(key)` needs `unit` or `pattern`, one of them", hint: "unit = \"ms\", or pattern = \"%d-%m-%Y %H:%M:%S\"")
        return nil
      }
      guard let path else { return nil }
      return TimeRule(path: path, form: unit.map(TimeRule.Form.unit) ?? .pattern(pattern ?? ""), zone: zone)
    }
  }

  // MARK: Captures

  func checkTemplate(_ key: String, _ template: Template?, captures: [String]) {
    for name in template?.captureNames ?? [] where !captures.contains(name) {
      if name.hasPrefix("/") {
        if let wrong = JSONPointer.fault(in: name) { fault("`\(key)` in \(title): \(wrong.message)", at: key) }
      } else {
        unknown(name, key, captures)
      }
    }
  }

  func checkConditions(_ key: String, _ conditions: Conditions?, captures: [String]) {
    for test in (conditions?.alternatives ?? []).joined() {
      guard let name = MessageRule.capture(test.operand), !captures.contains(name) else { continue }
      unknown(name, key, captures)
    }
  }

  private func unknown(_ name: String, _ key: String, _ captures: [String]) {
    let near = Suggestion.nearest(to: name, among: captures).map { "did you mean {\($0)}?" }
    fault(
      "`\(key)` in \(title) names {\(name)}, which nothing captures", at: key,
      hint: near ?? "there is " + captures.map { "{\($0)}" }.joined(separator: ", "))
  }
}
