import Decoding
import Settings
import Simulation
import Telemetry

extension HotPart {
  /// What is done with each message before it is stored, besides libmosquitto's own work.
  static var intake: [HotPart] {
    [
      HotPart("look for images", per: "message", count: Workplace.messages) { place in
        { for message in place.work { _ = message.withBytes { ImageRedaction.redact($1) } } }
      },
      HotPart("look for images and names", per: "message", count: Workplace.messages) { place in
        let redaction = RememberingRedaction(sources: place.settings.sources)
        let redact = { (messages: ArraySlice<PlannedMessage>) in
          for message in messages { _ = message.withBytes { redaction.redactAll(topic: $0, payload: $1) } }
        }
        redact(place.corpus[...])
        return { redact(place.work) }
      },
    ]
  }

  static var decoding: [HotPart] {
    [
      HotPart("route", per: "message", count: Workplace.messages) { place in
        let decoder = try place.decoder(Registry())
        let route = { (messages: ArraySlice<PlannedMessage>) in
          for message in messages { _ = message.withBytes { topic, _ in decoder.device(ofTopic: topic) } }
        }
        route(place.corpus[...])
        return { route(place.work) }
      },
      HotPart("decode", per: "message", count: Workplace.messages) { place in
        let decoder = try place.decoder(Registry())
        var observations: [Observation] = []
        let decode = { (messages: ArraySlice<PlannedMessage>) in
          for message in messages {
            observations.removeAll(keepingCapacity: true)
            place.decode(message, decoder, into: &observations)
          }
        }
        // All devices and series are known then.
        decode(place.corpus[...])
        return { decode(place.work) }
      },
    ]
  }
}

extension Workplace {
  func decode(_ message: PlannedMessage, _ decoder: Decoder, into observations: inout [Observation]) {
    let reception = Reception(receivedAt: received(message), clockTrusted: true, retained: message.retained)
    _ = message.withBytes { decoder.decode(topic: $0, payload: $1, reception, into: &observations) }
  }

  /// All messages of the corpus, decoded.
  func decoded(_ registry: Registry) throws -> [(message: PlannedMessage, observations: [Observation])] {
    let decoder = try decoder(registry)
    return corpus.map { message in
      var observations: [Observation] = []
      decode(message, decoder, into: &observations)
      return (message, observations)
    }
  }
}
