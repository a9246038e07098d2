import Decoding
import Journal
import MQTT
import Synchronization
import Telemetry

/// What never reaches the journal: images, and what tells of people. These are cameras in schools.
final class Redactor: Sendable {
  private let lock = Mutex(())
  /// Under the lock only.
  private nonisolated(unsafe) var redaction: RememberingRedaction

  init(_ sources: [SourceDefinition]) { redaction = RememberingRedaction(sources: sources) }

  /// From the next message on.
  func change(to sources: [SourceDefinition]) {
    lock.withLock { _ in redaction = RememberingRedaction(sources: sources, after: redaction) }
  }

  /// Takes up what an earlier process knew: without the births of Sparkplug's nodes, nobody knows what their messages
  /// are about.
  func learn(_ births: [(topic: String, payload: [UInt8])]) {
    lock.withLock { _ in
      for (topic, payload) in births {
        Array(topic.utf8).withUnsafeBytes { topic in
          payload.withUnsafeBytes { redaction.learn(topic: topic, payload: $0) }
        }
      }
    }
  }

  /// A message of the journal, in its order: a birth may not have been derived yet.
  func learn(_ message: StoredMessage) {
    lock.withLock { _ in redaction.learn(topic: message.topic, payload: message.payload) }
  }

  /// What is kept of a message in its place; `nil` where it is kept as it is.
  ///
  /// The session's thread alone asks: the lock is never waited for but at a reload.
  func redact(topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) -> Redacted? {
    lock.withLock { _ in
      let kept = redaction.redactAll(topic: topic, payload: payload)
      let level = redaction.topic(topic)
      return kept == nil && level == nil ? nil : Redacted(topic: level, payload: kept)
    }
  }
}
