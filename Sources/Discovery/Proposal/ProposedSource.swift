import Telemetry

/// A `[[source]]` that is proposed, with the reasons for what it says.
public struct ProposedSource: Sendable {
  public internal(set) var name = ""
  var segments: [Segment]
  public let format: String
  public internal(set) var deviceClass: DeviceClass?
  var device: String?
  var site: String?
  public internal(set) var interval: Span?
  var time: TimeGuess?
  var timezone: String?
  var metrics: [ProposedMetric] = []
  /// Why it is as it is; one line each.
  public internal(set) var notes: [String] = []
  /// What a person should look at.
  public internal(set) var doubts: [String] = []
  /// Places of its topics in the survey.
  public internal(set) var topics: [Int]

  init(_ segments: [Segment], format: String, topics: [Int]) {
    self.segments = segments
    self.format = format
    self.topics = topics
  }

  /// Says why, in place of what was said before of the same: sources are settled again when more of them are known.
  mutating func note(_ subject: String, _ why: String) {
    notes.removeAll { $0.hasPrefix(subject + ": ") }
    notes.append("\(subject): \(why)")
  }

  /// As the configuration writes it: `odc/{device}/rx`.
  public var topic: String { segments.map(\.text).joined(separator: "/") }

  var pattern: TopicPattern? { try? TopicPattern(topic) }

  /// What comes first in the file: the more words, the narrower.
  var narrowness: [Int] {
    [segments.contains(where: \.isRest) ? 0 : 1, segments.count(where: \.isWord), segments.count]
  }

  /// What devices of one kind have in common: the topic up to the last level that differs, and that it has a name.
  /// `nil` where nothing differs.
  var family: String? {
    let last = segments.lastIndex { segment in
      if case .capture(let name) = segment { name != "kind" && name != "measurement" } else { false }
    }
    return last.map { segments[...$0].map(\.text).joined(separator: "/") }
  }
}
