/// A topic with named captures: `school/{site}/cctv/{cam}/telemetry`, `frigate/{rest...}`.
///
/// `{name}` takes one whole level, `{name...}` all that is left (one level at least). `+` and `#` match unnamed.
public struct TopicPattern: Hashable, Sendable, CustomStringConvertible {
  enum Level: Hashable, Sendable {
    case literal(String)
    case capture(String)
    case captureRest(String)
    case single
    case rest
  }

  let levels: [Level]
  public let description: String

  public struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
  }

  public init(_ text: String) throws(Fault) {
    guard !text.isEmpty, !text.utf8.contains(0), text.utf8.count <= 65_535 else {
      throw Fault(description: "a topic is 1 to 65535 bytes and has no NUL")
    }
    var levels: [Level] = []
    var names: Set<String> = []
    for part in text.split(separator: "/", omittingEmptySubsequences: false) {
      if case .captureRest(let name)? = levels.last { throw Fault(description: "{\(name)...} must come last") }
      if levels.last == .rest { throw Fault(description: "# must come last") }
      if part == "+" {
        levels.append(.single)
      } else if part == "#" {
        levels.append(.rest)
      } else if part.hasPrefix("{"), part.hasSuffix("}") {
        var name = part.dropFirst().dropLast()
        let takesRest = name.hasSuffix("...")
        if takesRest { name = name.dropLast(3) }
        guard !name.isEmpty, name.utf8.allSatisfy(TopicPattern.isNameByte) else {
          throw Fault(description: "{\(name)} is no name: letters, digits, - and _ only")
        }
        guard names.insert(String(name)).inserted else { throw Fault(description: "{\(name)} stands twice") }
        levels.append(takesRest ? .captureRest(String(name)) : .capture(String(name)))
      } else {
        guard !part.contains(where: { "+#{}".contains($0) }) else {
          throw Fault(description: "\(part): a wildcard or capture takes a whole level")
        }
        levels.append(.literal(String(part)))
      }
    }
    self.levels = levels
    description = text
  }

  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  public var captureNames: [String] {
    levels.compactMap { level in
      switch level {
      case .capture(let name), .captureRest(let name): name
      default: nil
      }
    }
  }

  /// What to ask the broker for.
  public var filter: TopicFilter {
    TopicFilter(
      levels: levels.map { level in
        switch level {
        case .literal(let text): .name(text)
        case .capture, .single: .single
        case .captureRest, .rest: .rest
        }
      })
  }

  /// The topic with each level that one of these captures takes replaced by a word; `nil` where it doesn't match.
  public func hiding(_ names: [String], in topic: String, by word: String) -> String? {
    var parts = topic.split(separator: "/", omittingEmptySubsequences: false)
    guard match(topic) != nil else { return nil }
    for (index, level) in levels.enumerated() {
      switch level {
      case .capture(let name) where names.contains(name): parts[index] = word[...]
      case .captureRest(let name) where names.contains(name):
        for rest in index..<parts.count { parts[rest] = word[...] }
      default: break
      }
    }
    return parts.joined(separator: "/")
  }

  /// The captures where the topic matches, else `nil`.
  public func match(_ topic: some StringProtocol) -> [String: String]? {
    let parts = topic.split(separator: "/", omittingEmptySubsequences: false)
    guard filter.matches(levels: parts) else { return nil }
    var captures: [String: String] = [:]
    for (index, level) in levels.enumerated() {
      switch level {
      case .capture(let name): captures[name] = String(parts[index])
      case .captureRest(let name):
        guard index < parts.count else { return nil }
        captures[name] = parts[index...].joined(separator: "/")
      default: break
      }
    }
    return captures
  }
}
