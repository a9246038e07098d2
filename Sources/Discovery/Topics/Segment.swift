/// One level of a proposed topic.
enum Segment: Hashable, Sendable {
  case word(String)
  /// A level that differs from device to device, still without a name.
  case identity
  case capture(String)
  case any
  /// All that is left.
  case rest

  /// As a `topic` is written. What can't stand there, braces above all, becomes a wildcard.
  var text: String {
    switch self {
    case .word(let word): Segment.isWritable(word) ? word : "+"
    case .identity, .any: "+"
    case .capture(let name): "{\(name)}"
    case .rest: "#"
    }
  }

  /// Whether it says something of its own.
  var isWord: Bool { if case .word(let word) = self { Segment.isWritable(word) } else { false } }
  var isIdentity: Bool { self == .identity }
  var isRest: Bool { self == .rest }

  /// Braces, wildcards and control characters have no place in a configuration's topic.
  static func isWritable(_ word: String) -> Bool {
    word.utf8.count <= 128
      && word.unicodeScalars.allSatisfy { scalar in
        switch scalar {
        case "{", "}", "+", "#": return false
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: return false
        default: return true
        }
      }
  }
}

/// A pattern of topics, and which of the topics that were looked at have it.
struct TopicShape {
  var segments: [Segment]
  /// Places in the list that was looked at.
  var members: [Int]
}
