import Decoding
import Settings
import Simulation
import Telemetry
import Testing

@testable import Discovery

/// A stretch of the simulated district's traffic, and what it says of itself.
private struct Heard {
  var survey = Survey()
  /// Devices of which at least one message must be counted.
  var devices: Set<String> = []

  init(messages: Int, rate: Double?, seed: UInt64) {
    for message in District(seed: seed, scenario: Scenario(), start: noon, rate: rate).prefix(messages) {
      survey.take(topic: message.topic, payload: message.payload, at: noon + message.at)
      devices.formUnion(message.devices)
    }
  }
}

@Suite("The simulated district")
struct SimulatedDistrictTests {
  @Test(
    "every device is read by what is proposed, under the name that it has there", arguments: [(nil, 1), (200.0, 7)])
  func whole(_ rate: Double?, _ seed: UInt64) throws {
    let heard = Heard(messages: 12_000, rate: rate, seed: seed)
    #expect(heard.devices.count > 150)
    let found = try discover(heard.survey)
    let names = Set(found.trial.devices.map(\.name))
    #expect(heard.devices.subtracting(names).isEmpty, "\(heard.devices.subtracting(names).sorted().prefix(10))")
    #expect(names.subtracting(heard.devices).isEmpty, "\(names.subtracting(heard.devices).sorted().prefix(10))")
    #expect(found.trial.count(.unrouted) == 0)
    #expect(found.sources.count < 40)
    for device in found.trial.devices where !device.name.hasPrefix("frigate/") {
      let expected: DeviceClass =
        device.name.hasPrefix("odc") ? .fiberNode : device.name.hasPrefix("videotron") ? .videotron : .camera
      #expect(device.deviceClass == expected, "\(device.name)")
    }
  }

  @Test(
    "the comparison sees a source that is missing", arguments: ["frigate", "onvif", "profile:fpp", "telegraf", "json"])
  func missingSource(_ format: String) throws {
    let heard = Heard(messages: 12_000, rate: nil, seed: 1)
    let found = try discover(heard.survey)
    let kept = found.sources.filter { $0.format != format }
    #expect(kept.count < found.sources.count)
    let text = "[gateway]\nid = \"x\"\n\n" + kept.map(\.text).joined(separator: "\n")
    let settings = try GatewaySettings.parse(text: text, file: "x", knownFormats: Decoder.formats, profiles: profiles)
    let trial = try Trial(settings, heard.survey)
    #expect(trial.count(.unrouted) > 0)
  }
}
