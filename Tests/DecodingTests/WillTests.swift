import Settings
import Telemetry
import Testing

@testable import Decoding

/// Availability that comes by a `[[source]]` of its own: it concerns the devices that the other sources name.
@Suite("a will in a source of its own")
struct WillTests {
  private func profile(_ name: String, _ topic: String, _ source: String) throws -> SourceDefinition {
    let profile = try #require(try ProfileTests.shelf.profile(named: name))
    return SourceDefinition(
      name: source, topic: try TopicPattern(topic), format: "profile:\(name)", profile: profile)
  }

  @Test("a server's takes down the cameras that another source names")
  func frigate() throws {
    let bench = try Bench(
      try source("{site}/frigate/available", "frigate", device: "nvr-{site}", name: "will"),
      try source("{site}/frigate/{rest...}", "frigate", device: "{site}/{camera}", site: "{site}", name: "nvr"))
    #expect(bench.lines("kota/frigate/gerbang/motion", "ON") == ["kota/gerbang camera.motion = true 1 state"])
    #expect(bench.lines("desa/frigate/pintu/motion", "ON") == ["desa/pintu camera.motion = true 1 state"])
    #expect(
      bench.lines("kota/frigate/available", "offline") == [
        "nvr-kota availability = offline 1 state", "kota/gerbang availability = offline 1 state",
      ])
    #expect(bench.payloadDecidesDevice(ofTopic: "kota/frigate/available"))
  }

  @Test("a bridge's takes down the sensors that a profile's source names")
  func bridge() throws {
    let bench = try Bench(
      try profile("huawei-onu", "snmp2mqtt/status", "will"), try profile("huawei-onu", "snmp2mqtt/#", "onu"))
    bench.decode("snmp2mqtt/10.1.1.1/onu-1/value", "-2345")
    #expect(bench.observations.map(Bench.line) == ["10.1.1.1/onu-1 optical.input-power = -23.45 dBm gauge"])
    #expect(bench.lines("snmp2mqtt/status", "offline").contains("10.1.1.1/onu-1 availability = offline 1 state"))
  }

  @Test("a node's takes down the devices that another source names")
  func sparkplug() throws {
    let bench = try Bench(
      try source("spBv1.0/{group}/NDEATH/{node}", "sparkplug", name: "will"),
      try source("spBv1.0/#", "sparkplug", name: "all"))
    bench.decode("spBv1.0/g/NBIRTH/n", Proto.payload(seq: 0, Proto.metric("bdSeq", type: 8, int: 1)))
    bench.decode("spBv1.0/g/DBIRTH/n/d", Proto.payload(seq: 1, Proto.metric("rx", type: 10, double: -21)))
    #expect(
      bench.lines("spBv1.0/g/NDEATH/n", Proto.payload(seq: nil, Proto.metric("bdSeq", type: 8, int: 1))) == [
        "g/n availability = offline 1 state", "g/n/d availability = offline 1 state",
      ])
  }

  @Test(
    "a device's own word is one value a topic, for the device of its readings",
    arguments: [
      ("Online", "online"), ("offline", "offline"), ("Connected", "online"), ("Connection lost", "offline"),
      ("1", "online"), ("0", "offline"), ("true", "online"), ("lost", "offline"), ("stopped", "stopped"),
    ])
  func scalar(_ word: String, _ state: String) throws {
    let bench = try Bench(
      try source("school/{site}/{cam}/status", "scalar", class: .camera, device: "{site}/{cam}", name: "will"),
      try source("school/{site}/{cam}/telemetry", "json", class: .camera, device: "{site}/{cam}", name: "readings"))
    bench.decode("school/sman1/cam-03/telemetry", #"{"fps":24.8}"#)
    let camera = try #require(bench.observations.first?.series.device)
    #expect(bench.lines("school/sman1/cam-03/status", word) == ["sman1/cam-03 availability = \(state) 1 state"])
    #expect(bench.observations.first?.series.device === camera)
  }

  @Test("a document says it where a table points, and a word that is none is refused")
  func document() throws {
    let bench = try Bench(
      try source("school/{cam}/lwt", "onvif", device: "{cam}", name: "will"),
      try source("school/{cam}/onvif-ej/{rest...}", "onvif", device: "{cam}", name: "events"))
    #expect(bench.lines("school/cam-1/lwt", #"{"status":"offline"}"#) == ["cam-1 availability = offline 1 state"])
    bench.decode("school/cam-1/lwt", "perhaps")
    #expect(bench.isRefused)
  }
}
