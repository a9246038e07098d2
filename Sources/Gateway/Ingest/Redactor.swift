import Decoding
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
    lock.withLock { _ in redaction = RememberingRedaction(sources: sources) }
  }

  /// What is kept of a payload in its place; `nil` where it is kept as it is.
  ///
  /// The session's thread alone asks: the lock is never waited for but at a reload.
  func redact(topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) -> [UInt8]? {
    lock.withLock { _ in redaction.redactAll(topic: topic, payload: payload) }
  }
}
