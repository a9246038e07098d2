/// How a topic ends: `{host}/fppd_status`, `{device}/{component}:{id}`, `homie/{version}/{device}/{rest...}`.
///
/// A capture may share its level with text and with other captures: it takes at least one byte, up to the text that
/// follows it. `{name...}`, at the end, takes all that is left; `+` and `#` match unnamed. The levels that stand before
/// are captured as `{prefix}`, the whole as `{topic}`.
public struct TopicTail: Hashable, Sendable, CustomStringConvertible {
  enum Part: Hashable, Sendable {
    case text(String)
    case capture(String)
  }

  enum Level: Hashable, Sendable {
    case parts([Part])
    case any
    /// All that is left: one level at least where it has a name, none for `#`.
    case rest(String?)
  }

  let levels: [Level]
  public let description: String

  public struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// Captures that every topic has.
  public static let implied = ["topic", "prefix"]

  public init(_ text: String) throws(Fault) {
    guard !text.isEmpty, text.utf8.count <= 1024 else { throw Fault(description: "a topic has 1 to 1024 bytes") }
    var levels: [Level] = []
    var names = Set(TopicTail.implied)
    for level in text.split(separator: "/", omittingEmptySubsequences: false) {
      if case .rest? = levels.last { throw Fault(description: "what takes the rest must come last") }
      if level == "+" {
        levels.append(.any)
      } else if level == "#" {
        levels.append(.rest(nil))
      } else if level.hasPrefix("{"), level.hasSuffix("...}") {
        levels.append(.rest(try TopicTail.name(level.dropFirst().dropLast(4), &names)))
      } else {
        levels.append(.parts(try TopicTail.parts(level, &names)))
      }
    }
    self.levels = levels
    description = text
  }

  private static func name(_ text: Substring, _ names: inout Set<String>) throws(Fault) -> String {
    guard !text.isEmpty, text.utf8.allSatisfy(TopicPattern.isNameByte) else {
      throw Fault(description: "{\(text)} is no name: letters, digits, - and _ only")
    }
    guard names.insert(String(text)).inserted else { throw Fault(description: "{\(text)} stands twice") }
    return String(text)
  }

  private static func parts(_ level: Substring, _ names: inout Set<String>) throws(Fault) -> [Part] {
    var parts: [Part] = []
    var rest = level
    while let open = rest.firstIndex(of: "{") {
      if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
      guard let close = rest[open...].firstIndex(of: "}") else { throw Fault(description: "a brace is not closed") }
      if case .capture? = parts.last { throw Fault(description: "text must stand between two captures of one level") }
      parts.append(.capture(try name(rest[rest.index(after: open)..<close], &names)))
      rest = rest[rest.index(after: close)...]
    }
    guard !rest.contains("}") else { throw Fault(description: "a brace is not opened") }
    if !rest.isEmpty || parts.isEmpty { parts.append(.text(String(rest))) }
    return parts
  }

  public var captureNames: [String] {
    levels.flatMap { level -> [String] in
      switch level {
      case .parts(let parts): parts.compactMap { if case .capture(let name) = $0 { name } else { nil } }
      case .any: []
      case .rest(let name): name.map { [$0] } ?? []
      }
    } + TopicTail.implied
  }

  /// Whether any of its levels is a word that other topics don't have.
  public var hasWord: Bool {
    levels.contains { level in
      guard case .parts(let parts) = level else { return false }
      return parts.contains { if case .text(let text) = $0 { text.contains(where: \.isLetter) } else { false } }
    }
  }

  /// The captures where the topic ends like this, else `nil`. Of several places the leftmost counts.
  public func match(_ topic: String) -> [String: String]? {
    let parts = topic.split(separator: "/", omittingEmptySubsequences: false)
    for start in 0...parts.count {
      guard var captures = match(parts[start...]) else { continue }
      captures["prefix"] = parts[..<start].joined(separator: "/")
      captures["topic"] = topic
      return captures
    }
    return nil
  }

  private func match(_ parts: ArraySlice<Substring>) -> [String: String]? {
    var captures: [String: String] = [:]
    var at = parts.startIndex
    for level in levels {
      if case .rest(let name) = level {
        guard let name else { return captures }
        guard at < parts.endIndex else { return nil }
        captures[name] = parts[at...].joined(separator: "/")
        return captures
      }
      guard at < parts.endIndex else { return nil }
      if case .parts(let wanted) = level, !TopicTail.match(parts[at], wanted, &captures) { return nil }
      at += 1
    }
    return at == parts.endIndex ? captures : nil
  }

  private static func match(_ level: Substring, _ wanted: [Part], _ captures: inout [String: String]) -> Bool {
    var rest = Substring(level).utf8[...]
    for (index, part) in wanted.enumerated() {
      switch part {
      case .text(let text):
        guard rest.starts(with: text.utf8) else { return false }
        rest = rest.dropFirst(text.utf8.count)
      case .capture(let name):
        guard !rest.isEmpty else { return false }
        var end = rest.endIndex
        if index + 1 < wanted.count, case .text(let stop) = wanted[index + 1] {
          // Where text ends the level, the capture reaches to its last place; else to its first.
          let isLast = index + 2 == wanted.count
          var found: Substring.UTF8View.Index?
          var at = rest.index(after: rest.startIndex)
          while at < rest.endIndex {
            if rest[at...].starts(with: stop.utf8), !isLast || rest[at...].count == stop.utf8.count {
              found = at
              break
            }
            at = rest.index(after: at)
          }
          guard let found else { return false }
          end = found
        }
        captures[name] = String(Substring(rest[..<end]))
        rest = rest[end...]
      }
    }
    return rest.isEmpty
  }
}
