/// Reads one table of the configuration key by key. What is wrong goes to the collector; the reader then gives `nil`
/// and reading goes on, so that all faults are found in one pass.
///
/// Each key that is asked for becomes a known one; `finish` tells of all others.
final class TableReader {
  /// As the file writes it: `[store]`, `[[source]]`.
  let title: String
  /// Of the table's header; `nil` where the file doesn't have the table.
  let line: Int?
  let collector: FaultCollector
  private let entries: [String: Node]
  private var known: [String] = []

  init(_ entries: [String: Node], title: String, line: Int?, collector: FaultCollector) {
    self.entries = entries
    self.title = title
    self.line = line
    self.collector = collector
  }

  // MARK: Access

  func has(_ key: String) -> Bool { entries[key] != nil }

  func line(of key: String) -> Int? { entries[key]?.line ?? line }

  /// The value of `key`, which is known from then on.
  func entry(_ key: String) -> Node? {
    if !known.contains(key) { known.append(key) }
    return entries[key]
  }

  /// In the order of their names.
  var keys: [String] { entries.keys.sorted() }

  // MARK: Faults

  /// A fault of `key`, or of the table where no key is given or the table doesn't have it.
  func fault(_ message: String, at key: String? = nil, hint: String? = nil) {
    collector.add(message, line: key.flatMap { line(of: $0) } ?? line, hint: hint)
  }

  func wrongType(_ key: String, _ node: Node, expected: String, example: String) {
    collector.add(
      "`\(key)` in \(title) must be \(expected), not \(node.kind)", line: node.line,
      hint: "for example \(key) = \(example)")
  }

  /// Tells of `key` where the table doesn't have it.
  func require(_ key: String, example: String) {
    if !has(key) { fault("`\(key)` is missing in \(title)", hint: "for example \(key) = \(example)") }
  }

  /// Tells of all keys that nobody asked for.
  func finish() {
    for key in keys where !known.contains(key) {
      if let hint = SecretKeys.hint(for: key, known: known) {
        fault("`\(key)` in \(title): a secret never stands in this file", at: key, hint: hint)
      } else if let near = Suggestion.nearest(to: key, among: known) {
        fault("unknown key \(quoted(key)) in \(title)", at: key, hint: "did you mean `\(near)`?")
      } else {
        let list = known.map { "`\($0)`" }.joined(separator: ", ")
        fault("unknown key \(quoted(key)) in \(title)", at: key, hint: "known here: \(list)")
      }
    }
  }

  // MARK: Tables in it

  /// The table under `key`; an empty one where there is none.
  func table(_ key: String, title: String) -> TableReader {
    guard let node = entry(key) else { return TableReader([:], title: title, line: nil, collector: collector) }
    switch node.value {
    case .table(let entries):
      return TableReader(entries, title: title, line: node.line, collector: collector)
    case .array:
      collector.add("\(title) can stand only once", line: node.line, hint: "write \(title), with single brackets")
    default:
      wrongType(key, node, expected: "a table", example: "{ … }, or a header \(title)")
    }
    // What it should have held is not missed besides.
    return BrokenTable.reader(title, node.line)
  }

  /// The tables of the list under `key`, in the order of the file.
  func tables(_ key: String, title: String) -> [TableReader] {
    guard let node = entry(key) else { return [] }
    switch node.value {
    case .array(let items):
      return items.compactMap { item in
        guard case .table(let entries) = item.value else {
          collector.add(
            "`\(key)` must hold tables, not \(item.kind)", line: item.line, hint: "begin each with \(title)")
          return nil
        }
        return TableReader(entries, title: title, line: item.line, collector: collector)
      }
    case .table:
      let single = title.dropFirst().dropLast()
      collector.add("\(single) must be \(title): there can be several", line: node.line, hint: "write \(title)")
    default:
      wrongType(key, node, expected: "a list of tables", example: "[{ … }], or headers \(title)")
    }
    return []
  }
}

/// Stands for a table that could not be read as one: a reader whose faults go nowhere.
private enum BrokenTable {
  static func reader(_ title: String, _ line: Int?) -> TableReader {
    TableReader([:], title: title, line: line, collector: FaultCollector(file: ""))
  }
}
