import Decoding
import Synchronization
import Telemetry

/// What never reaches the journal: images, and what tells of people. These are cameras in schools.
final class Redactor: Sendable {
  private let fields: Mutex<FieldRedaction>

  init(_ sources: [SourceDefinition]) { fields = Mutex(FieldRedaction(sources: sources)) }

  /// From the next message on.
  func change(to sources: [SourceDefinition]) {
    let new = FieldRedaction(sources: sources)
    fields.withLock { $0 = new }
  }

  /// What is kept of a payload in its place; `nil` where it is kept as it is.
  func redact(topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) -> [UInt8]? {
    let fields = fields.withLock(\.self)
    return fields.redactAll(topic: topic, payload: payload)
  }
}
