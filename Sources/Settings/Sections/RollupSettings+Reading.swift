import Telemetry

extension RollupSettings {
  private static let example = "[\"site\"]"

  /// `nil` where a fault was told that leaves nothing to work with.
  init?(reading table: TableReader) {
    table.require("by", example: RollupSettings.example)
    let by = RollupSettings.keys(table)
    table.finish()
    guard !by.isEmpty else { return nil }
    self.init(by: by)
  }

  private static func keys(_ table: TableReader) -> [Key] {
    guard let node = table.entry("by") else { return [] }
    let words = Key.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    guard case .array(let items) = node.value, !items.isEmpty else {
      table.fault("`by` in [[rollup]] is no list of words", at: "by", hint: "for example by = \(example)")
      return []
    }
    var keys: [Key] = []
    for item in items {
      guard case .string(let text) = item.value, let key = Key(rawValue: text) else {
        table.collector.add(
          "`by` in [[rollup]] has something that devices can't have in common", line: item.line, hint: "any of \(words)"
        )
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
