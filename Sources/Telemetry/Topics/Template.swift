/// Text with captures to fill in: `{site}/{cam}`.
public struct Template: Hashable, Sendable, CustomStringConvertible {
  enum Part: Hashable, Sendable {
    case text(String)
    case capture(String)
  }

  let parts: [Part]
  public let description: String

  /// `nil` where a brace is not closed, or encloses nothing.
  public init?(_ text: String) {
    var parts: [Part] = []
    var rest = text[...]
    while let open = rest.firstIndex(of: "{") {
      if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
      guard let close = rest[open...].firstIndex(of: "}"), rest.index(after: open) < close else { return nil }
      parts.append(.capture(String(rest[rest.index(after: open)..<close])))
      rest = rest[rest.index(after: close)...]
    }
    guard !rest.contains("}") else { return nil }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    self.parts = parts
    description = text
  }

  public var captureNames: [String] {
    parts.compactMap { if case .capture(let name) = $0 { name } else { nil } }
  }

  /// `nil` where a capture has no value.
  public func fill(_ captures: [String: String]) -> String? {
    var text = ""
    for part in parts {
      switch part {
      case .text(let piece): text += piece
      case .capture(let name):
        guard let value = captures[name] else { return nil }
        text += value
      }
    }
    return text
  }
}
