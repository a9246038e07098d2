/// What a proof counts. Of each process one; added up at the end.
struct Tally {
  private(set) var figures: [String: Int] = [:]
  /// What broke the promise, with what it takes to see it again.
  private(set) var found: [String] = []
  private static let shown = 20

  subscript(name: String) -> Int {
    get { figures[name] ?? 0 }
    set { figures[name] = newValue }
  }

  mutating func find(_ text: String) {
    self["broken"] += 1
    if found.count < Tally.shown { found.append(String(text.map { $0.isNewline ? " " : $0 })) }
  }

  mutating func add(_ other: Tally) {
    for (name, value) in other.figures { figures[name, default: 0] += value }
    found += other.found.prefix(Tally.shown - min(Tally.shown, found.count))
  }

  // MARK: Between processes

  /// A line for each figure and each finding.
  var lines: String {
    figures.map { "\($0.value) \($0.key)\n" }.joined() + found.map { "!\($0)\n" }.joined()
  }

  init() {}

  init(lines: String) {
    for line in lines.split(separator: "\n") {
      if line.hasPrefix("!") {
        found.append(String(line.dropFirst()))
      } else if let space = line.firstIndex(of: " "), let value = Int(line[..<space]) {
        figures[String(line[line.index(after: space)...]), default: 0] += value
      }
    }
  }
}
