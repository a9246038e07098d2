/// An MQTT topic filter, as section 4.7 of MQTT 5 defines it.
public struct TopicFilter: Hashable, Sendable, CustomStringConvertible {
  public enum Level: Hashable, Sendable {
    case name(String)
    /// `+`: exactly one level, which may be empty.
    case single
    /// `#`: this level's parent and all below; always last.
    case rest
  }

  public let levels: [Level]

  /// `nil` where the text is no valid filter: empty, a NUL, a wildcard beside other characters, `#` not last.
  public init?(_ text: some StringProtocol) {
    guard !text.isEmpty, text.utf8.count <= 65_535, !text.utf8.contains(0) else { return nil }
    var levels: [Level] = []
    for part in text.split(separator: "/", omittingEmptySubsequences: false) {
      guard levels.last != .rest else { return nil }
      switch part {
      case "+": levels.append(.single)
      case "#": levels.append(.rest)
      default:
        guard !part.contains("+"), !part.contains("#") else { return nil }
        levels.append(.name(String(part)))
      }
    }
    self.levels = levels
  }

  public init(levels: [Level]) { self.levels = levels }

  public var description: String {
    levels.map { level in
      switch level {
      case .name(let name): name
      case .single: "+"
      case .rest: "#"
      }
    }.joined(separator: "/")
  }

  /// Topics that begin with `$` match no filter that begins with a wildcard.
  public func matches(_ topic: some StringProtocol) -> Bool {
    matches(levels: topic.split(separator: "/", omittingEmptySubsequences: false))
  }

  public func matches(levels topic: [some StringProtocol]) -> Bool {
    if let first = topic.first, first.hasPrefix("$"), levels.first == .single || levels.first == .rest { return false }
    for (index, level) in levels.enumerated() {
      switch level {
      case .rest: return true
      case .single: if index >= topic.count { return false }
      case .name(let name): if index >= topic.count || topic[index] != name { return false }
      }
    }
    return topic.count == levels.count
  }

  /// Whether some topic matches both filters.
  public func overlaps(_ other: TopicFilter) -> Bool {
    func go(_ a: ArraySlice<Level>, _ b: ArraySlice<Level>, _ depth: Int) -> Bool {
      if a.first == .rest || b.first == .rest {
        guard depth == 0 else { return true }
        let named = a.first == .rest ? b.first : a.first
        if case .name(let name)? = named { return !name.hasPrefix("$") }
        return true
      }
      guard let x = a.first, let y = b.first else {
        // "a/#" also matches "a" itself.
        return (a.isEmpty && b.isEmpty) || (a.isEmpty && b.first == .rest) || (b.isEmpty && a.first == .rest)
      }
      switch (x, y) {
      case (.name(let m), .name(let n)): if m != n { return false }
      case (.name(let n), _), (_, .name(let n)): if depth == 0 && n.hasPrefix("$") { return false }
      default: break
      }
      return go(a.dropFirst(), b.dropFirst(), depth + 1)
    }
    return go(levels[...], other.levels[...], 0)
  }
}
