import Decoding
import Settings
import Telemetry
import Testing

@testable import Simulation

/// The gateway's own settings and decoder, over what the simulator plans: each knows by itself what a message means.
@Suite("What a message is to be counted for")
struct AccountingTests {
  /// More than enough for each kind of message and each sort of rubbish to occur.
  private static let sample = plan(50_000, seed: 23, rate: 500)

  private struct Disagreement: CustomStringConvertible {
    let message: PlannedMessage
    let reason: String
    var description: String {
      "\(message.number) \(message.kind) \(message.topic): \(reason): \(message.text.prefix(200))"
    }
  }

  private static func settings() throws -> GatewaySettings {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return try GatewaySettings.load(
      path: parts.joined(separator: "/") + "/Config/simulated-district.toml", knownFormats: Decoder.formats)
  }

  /// All messages, each with what a gateway decodes that receives it when it is published, its clock being trusted.
  private static func decoded(
    _ body: (PlannedMessage, [Observation], Decoder.Outcome) -> Void
  ) throws {
    let settings = try settings()
    let decoder = try Decoder(sources: settings.sources, timezone: settings.timezone, registry: Registry())
    var observations: [Observation] = []
    for message in sample {
      observations.removeAll(keepingCapacity: true)
      let reception = Reception(receivedAt: start + message.at, clockTrusted: true)
      let outcome = Array(message.topic.utf8).withUnsafeBytes { topic in
        message.payload.withUnsafeBytes { decoder.decode(topic: topic, payload: $0, reception, into: &observations) }
      }
      body(message, observations, outcome)
    }
  }

  @Test("is the devices that a gateway finds in it, and the time")
  func agreesWithTheDecoder() throws {
    var disagreements: [Disagreement] = []
    try AccountingTests.decoded { message, observations, outcome in
      func disagree(_ reason: String) { disagreements.append(Disagreement(message: message, reason: reason)) }
      let devices = Set(observations.map(\.series.device.name))
      if devices != Set(message.devices) { disagree("\(devices.sorted()), not \(message.devices), \(outcome)") }
      for observation in observations {
        if let time = message.time {
          if observation.time != time { disagree("\(RFC3339.format(observation.time)), not \(RFC3339.format(time))") }
        } else if observation.timeSource != .received {
          disagree("\(RFC3339.format(observation.time)), not the time of receipt")
        }
      }
    }
    #expect(disagreements.isEmpty, "\(disagreements.count): \(disagreements.prefix(5).map(\.description))")
  }

  @Test("names each device once, none for rubbish alone, and is of every sort")
  func coversEverySort() {
    let sample = AccountingTests.sample
    #expect(sample.allSatisfy { Set($0.devices).count == $0.devices.count })
    #expect(sample.allSatisfy { $0.devices.isEmpty == ($0.kind == .rubbish) })
    #expect(sample.contains { $0.devices.count > 2 })
    #expect(sample.contains { $0.time == nil && $0.kind == .wrongClock })
    #expect(sample.contains { $0.time != nil && $0.kind == .late })
    #expect(Set(sample.map(\.kind)) == Set(Irregularity.allCases))
  }

  @Test("is a whole message where it isn't rubbish: nothing of it is faulty")
  func nothingIsPartial() throws {
    var faulty: [Disagreement] = []
    try AccountingTests.decoded { message, _, outcome in
      guard message.kind != .rubbish else { return }
      if case .decoded = outcome { return }
      faulty.append(Disagreement(message: message, reason: "\(outcome)"))
    }
    #expect(faulty.isEmpty, "\(faulty.count): \(faulty.prefix(5).map(\.description))")
  }

  @Test("stands in the record")
  func isRecorded() throws {
    try withTemporaryFile { path in
      let recorder = try Recorder(path: path)
      let messages = AccountingTests.sample.prefix(5000)
      for message in messages { recorder.published(message, at: start + message.at) }
      try recorder.flush()
      let lines = contents(of: path).split(separator: "\n")
      #expect(lines.count == messages.count)
      for (line, message) in zip(lines, messages) {
        let devices = message.devices.map { "\"\($0)\"" }.joined(separator: ",")
        let time = message.time.map { ",\"time\":\"\(RFC3339.format($0))\"" } ?? ""
        #expect(line.hasSuffix(",\"devices\":[\(devices)]\(time)}"))
      }
    }
  }
}
