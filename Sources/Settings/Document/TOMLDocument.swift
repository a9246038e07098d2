import TOMLKit

/// Turns text into a tree of values with their lines. The only place that sees the TOML parser.
enum TOMLDocument {
  /// The root table; `nil`, with the fault told to `collector`, where the text is no TOML.
  ///
  /// The parser's tree is never freed by its wrapper: some ten times the text's size, once for each file that is read.
  static func parse(_ text: String, _ collector: FaultCollector) -> Node? {
    // A byte order mark is an editor's habit, not part of the text.
    let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
    if let nul = text.utf8.firstIndex(of: 0) {
      let line = 1 + text.utf8[..<nul].count { $0 == UInt8(ascii: "\n") }
      collector.add("the text holds a NUL byte", line: line, hint: "is this a text file?")
      return nil
    }
    let (lines, obstacle) = LineScanner.scan(text.utf8)
    switch obstacle {
    case .tooDeep(let line):
      collector.add("nested too deeply: no key of a gateway needs that", line: line)
      return nil
    case .nul(let line):
      collector.add("a string holds an escaped NUL", line: line, hint: "remove it: no value of a gateway has one")
      return nil
    case nil: break
    }
    do {
      return node(try TOMLTable(string: text), DocumentPath(), parentLine: nil, lines)
    } catch let error as TOMLParseError {
      collector.add(
        "no TOML: \(error.description)", line: error.source.begin.line,
        hint: "texts, durations and sizes stand in double quotes, each key on a line of its own")
    } catch {
      collector.add("no TOML: \(error)", line: nil)
    }
    return nil
  }

  private static func node(
    _ value: any TOMLValueConvertible, _ path: DocumentPath, parentLine: Int?, _ lines: [DocumentPath: Int]
  ) -> Node {
    let line = lines[path] ?? parentLine
    let converted: Node.Value
    if let table = value.table {
      var entries: [String: Node] = [:]
      for key in table.keys {
        guard let entry = table[key] else { continue }
        entries[key] = node(entry, path + .key(key), parentLine: line, lines)
      }
      converted = .table(entries)
    } else if let array = value.array {
      converted = .array(
        array.enumerated().map { index, item in node(item, path + .index(index), parentLine: line, lines) })
    } else if let string = value.string {
      converted = .string(string)
    } else if let integer = value.int {
      converted = .integer(integer)
    } else if let double = value.double {
      converted = .float(double)
    } else if let boolean = value.bool {
      converted = .boolean(boolean)
    } else {
      converted = .moment
    }
    return Node(value: converted, line: line)
  }
}
