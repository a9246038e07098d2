import Telemetry

/// What the messages of one topic mean: made once per topic, and kept with what it has found out.
protocol TopicReader: AnyObject {
  /// The one device of all messages of the topic, where the topic alone says it.
  var device: Device? { get }
  var payloadDecidesDevice: Bool { get }
  /// Reads one payload into `message`.
  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome
}

/// A compiled source: makes the readers of its topics.
protocol SourceFormat: AnyObject {
  func reader(for topic: RoutedTopic, _ message: Message) -> any TopicReader
}

/// A source whose payloads are JSON documents, one as independent of the others as what is asked of it.
protocol JSONSourceFormat: SourceFormat {}

/// A topic as its source sees it.
struct RoutedTopic {
  let text: String
  let levels: [String]
  let captures: [String: String]

  init(_ text: String, captures: [String: String]) {
    self.text = text
    levels = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    self.captures = captures
  }
}

/// A topic that has nothing to take, or whose device could not be registered.
final class SilentReader: TopicReader {
  private let outcome: Decoder.Outcome

  init(ignoring reason: String) { outcome = .ignored(reason) }
  init(refusing reason: String, limit: DecodingLimits.Kind? = nil) {
    outcome = .refused(DecodingFault(payload: reason, limit: limit))
  }

  static var deviceLimit: SilentReader {
    SilentReader(refusing: "the limit of known devices is reached", limit: .devices)
  }

  var device: Device? { nil }
  var payloadDecidesDevice: Bool { false }
  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome { outcome }
}
