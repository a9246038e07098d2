import Telemetry

extension RollupRule {
  private static let example = "[\"site\"]"

  /// `nil` where a fault was told that leaves nothing to work with.
  ///
  /// - Parameter labels: those that the sources give to their devices.
  init?(reading table: TableReader, labels: Set<String>) {
    table.require("by", example: RollupRule.example)
    let by = RollupRule.keys(table, labels)
    table.finish()
    guard !by.isEmpty else { return nil }
    self.init(by: by)
  }

  private static func keys(_ table: TableReader, _ labels: Set<String>) -> [Key] {
    guard let node = table.entry("by") else { return [] }
    guard case .array(let items) = node.value, !items.isEmpty else {
      table.fault("`by` in [[rollup]] is no list of words", at: "by", hint: "for example by = \(example)")
      return []
    }
    var keys: [Key] = []
    for item in items {
      guard case .string(let text) = item.value, let key = Key(text, labels) else {
        let words = (["site", "class"] + labels.sorted()).map(quoted).joined(separator: ", ")
        table.collector.add(
          "`by` in [[rollup]] has something that devices can't have in common", line: item.line,
          hint: "any of \(words), or a label that a [[source]] gives its devices: labels = { village = \"{village}\" }")
        return []
      }
      if keys.contains(key) {
        table.collector.add("`by` in [[rollup]]: \(text) stands twice", line: item.line, hint: "leave one out")
      } else {
        keys.append(key)
      }
    }
    return keys
  }
}

extension RollupRule.Key {
  /// What a label can't be called: a group's name would not say which is meant.
  static let reserved: Set<String> = ["site", "class", "device", "group"]

  fileprivate init?(_ text: String, _ labels: Set<String>) {
    switch text {
    case "site": self = .site
    case "class": self = .deviceClass
    case _ where labels.contains(text): self = .label(text)
    default: return nil
    }
  }
}
