import Alarms
import Settings
import Simulation
import Telemetry
import Windows

extension HotPart {
  static var gathering: [HotPart] {
    [
      HotPart("window update", per: "message", count: Workplace.messages) { place in
        let (engine, _, decoded) = try place.engine()
        place.add(decoded[..<Workplace.messages], engine)
        return { place.add(decoded[Workplace.messages...], engine) }
      },
      HotPart("alarm rules", per: "message", count: Workplace.messages) { place in
        let decoded = try place.decoded(Registry())
        let engine = AlarmEngine(gateway: "bench", rules: place.settings.alarms)
        engine.listening(true, at: Corpus.fixedStart)
        place.judge(decoded[..<Workplace.messages], engine)
        return { place.judge(decoded[Workplace.messages...], engine) }
      },
      HotPart("sealing", per: "window of a device", count: 500) { place in
        let (engine, _, decoded) = try place.engine()
        place.add(decoded[...], engine)
        let end = place.received(decoded[decoded.count - 1].message).floored(to: .minutes(1)) + .minutes(1)
        return {
          while let due = engine.nextDue(at: end + .seconds(10)) {
            engine.seal(due, quality: .trusted) { _ = $0.json(revision: 0) }
          }
        }
      },
      HotPart("sketch merge", per: "sketch", count: 1000) { _ in
        var sketches = (0..<1000).map { seed in
          var sketch = Sketch()
          for index in 0..<200 { sketch.add(Double((seed &* 7919 &+ index &* 104_729) % 10_007) / 100 + 1) }
          return sketch
        }
        var whole = sketches.removeLast()
        whole.merge(sketches[0])
        return { for sketch in sketches { whole.merge(sketch) } }
      },
    ]
  }
}

extension Workplace {
  typealias Decoded = (message: PlannedMessage, observations: [Observation])

  func engine() throws -> (WindowEngine, Registry, [Decoded]) {
    let registry = Registry()
    let decoded = try decoded(registry)
    let engine = WindowEngine(settings: WindowSettings(length: .minutes(1))) { registry.series[$0] }
    return (engine, registry, decoded)
  }

  func add(_ messages: ArraySlice<Decoded>, _ engine: WindowEngine) {
    for (message, observations) in messages where !observations.isEmpty {
      _ = engine.add(
        observations,
        MessageContext(
          sequence: Int64(message.number), segment: Int64(message.number) / 2000, receivedAt: received(message),
          retained: message.retained, quality: .trusted, content: message.number, offset: .milliseconds(3)))
    }
  }

  func judge(_ messages: ArraySlice<Decoded>, _ engine: AlarmEngine) {
    var transitions: [AlarmRecord] = []
    for (message, observations) in messages where !message.retained {
      let segment = Int64(message.number) / 2000
      for observation in observations {
        engine.judge(observation, received: received(message), segment: segment, into: &transitions)
      }
      if let device = observations.first?.series.device {
        engine.heard(device, at: received(message), segment: segment, into: &transitions)
      }
      if message.number % 2000 == 0 { engine.advance(to: received(message), segment: segment, into: &transitions) }
    }
  }
}
