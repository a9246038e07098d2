import Telemetry

/// A topic of a source with `clock = "correct"`: what its payloads say of time is moved by as much as their clock was
/// found to be off.
final class CorrectingReader: TopicReader {
  private let reader: any TopicReader
  private let topic: String

  init(_ reader: any TopicReader, topic: String) {
    self.reader = reader
    self.topic = topic
  }

  var device: Device? { reader.device }
  var payloadDecidesDevice: Bool { reader.payloadDecidesDevice }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    let memory = message.memory
    var estimate = memory.clock(topic)?.estimate(before: memory.sequence) ?? ClockEstimate()
    message.correct(by: estimate.correction)
    let outcome = reader.read(payload, into: message)
    let reception = message.reception
    // Who has lost his clock altogether says nothing of how far it is off; our own must be right to judge.
    if memory.isNews, reception.clockTrusted, !reception.retained, let claimed = message.claimed,
      claimed >= Moment.earliest, estimate.note(reception.receivedAt - claimed, at: reception.receivedAt)
    {
      memory.keep(estimate, topic)
    }
    return outcome
  }
}
