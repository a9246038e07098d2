import Telemetry
import Testing

@testable import Decoding

/// Payloads that no document publishes, of the versions that are in the field.
@Suite("built-in formats, by their documents")
struct UnseenTranscriptTests {
  private static let steps: [Transcript.Step] = {
    let text = Files.read(Files.fixtures + "/unseen.txt") ?? []
    return Transcript(String(decoding: text, as: UTF8.self)).steps
  }()

  @Test(
    "each message yields what its format's document implies",
    arguments: ["frigate", "onvif", "axis", "tasmota", "telegraf", "senml", "scalar"])
  func format(_ name: String) throws {
    let steps = UnseenTranscriptTests.steps.filter { $0.profile.hasPrefix(name + " ") }
    #expect(steps.count >= 13)
    var benches: [String: Bench] = [:]
    for step in steps {
      let bench =
        try benches[step.profile] ?? Bench(format: name, topic: String(step.profile.dropFirst(name.count + 1)))
      benches[step.profile] = bench
      let got = Transcript.run(step, on: bench, file: { _ in [] })
      #expect(got == step.expected, "\(step.topic) \(step.payload)")
    }
  }
}
