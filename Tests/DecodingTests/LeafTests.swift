import Telemetry
import Testing

@testable import Decoding

/// No value of a payload is lost in silence: it changes a reading, or it stands in the list of what is left out.
@Suite("every leaf")
struct LeafTests {
  /// A value that no reading changes with, and that no list names.
  static func unaccounted(_ file: Files.Case) throws -> [String] {
    guard file.payload.first == UInt8(ascii: "{") || file.payload.first == UInt8(ascii: "[") else { return [] }
    let bench = try Bench(format: file.format)
    let explanation = LeafTests.explain(bench, file)
    if case .refused = explanation.outcome { return [] }
    if case .ignored = explanation.outcome { return [] }
    #expect(explanation.hasLeaves, "\(file.name)")
    let known = Decoder.leftOut(of: file.format)
    return explanation.leftOut.filter { leaf in
      !known.contains { $0.covers(leaf.path) } && file.format != "json"
    }.map { "\(file.name) \($0.path): \($0.reason)" }
  }

  private static func explain(_ bench: Bench, _ file: Files.Case) -> Explanation {
    Array(file.topic.utf8).withUnsafeBytes { topic in
      file.payload.withUnsafeBytes { bench.decoder.explain(topic: topic, payload: $0, bench.reception) }
    }
  }

  @Test("changes a reading, or is in the list of what is left out", arguments: Files.cases.map(\.name))
  func fixtures(_ name: String) throws {
    let file = try #require(Files.cases.first { $0.name == name })
    let lost = try LeafTests.unaccounted(file)
    #expect(lost.isEmpty, "\(lost)")
  }

  @Test(
    "of what is published, too",
    .enabled(if: Files.haveSamples, "the published payloads are not beside the repository"))
  func published() throws {
    var checked = 0
    for file in Files.published {
      let lost = try LeafTests.unaccounted(file)
      #expect(lost.isEmpty, "\(lost)")
      checked += 1
    }
    #expect(checked > 80)
  }

  @Test("an explanation says which path gave which reading, what else was used, and what was left out")
  func explanation() throws {
    let bench = try Bench(format: "axis")
    let file = Files.Case(
      name: "own", topic: "axis/B8A4/event/tns:onvif/Device/IO/Port", format: "axis",
      payload: Array(
        #"{"topic":"tns1:Device/tnsaxis:IO/Port","serial":"B8A4","timestamp":1795318800000,"message":{"source":{"port":"2"},"key":{},"data":{"state":"1","note":"x"}}}"#
          .utf8))
    let explanation = LeafTests.explain(bench, file)
    #expect(explanation.readings.map(\.path) == ["/message/data/state"])
    let used = Dictionary(explanation.used.map { ($0.path, $0.reason) }) { first, _ in first }
    #expect(used["/timestamp"] == "the time")
    #expect(used["/message/source/port"] == "names a device, a metric or a label, or a unit")
    #expect(explanation.leftOut.map(\.path) == ["/serial", "/message/data/note"])
    #expect(explanation.leftOut.first?.reason == "the topic says the same")
    // What was tried leaves nothing behind.
    #expect(bench.registry.series.count == 1)
  }

  @Test("an explanation of influx lines and of Sparkplug tells of each field and metric")
  func told() throws {
    let telegraf = try Bench(format: "telegraf")
    let lines = Files.Case(
      name: "", topic: "telegraf/x", format: "telegraf",
      payload: Array("interface,host=h,ifName=a ifInOctets=1i,ifHCInOctets=2i,note=\"\" 1795318800000000000".utf8))
    let told = LeafTests.explain(telegraf, lines)
    #expect(told.readings.map(\.path) == ["interface/ifHCInOctets"])
    #expect(Set(told.leftOut.map(\.path)) == ["interface/ifInOctets", "interface/note"])
    let sparkplug = try Bench(format: "sparkplug", topic: "#")
    let birth = Files.Case(
      name: "", topic: "spBv1.0/g/NBIRTH/n", format: "sparkplug",
      payload: Proto.payload(
        seq: 0, Proto.metric("bdSeq", type: 8, int: 3), Proto.metric("Node Control/Rebirth", type: 11, int: 0),
        Proto.metric("suhu", type: 3, int: 30)))
    let born = LeafTests.explain(sparkplug, birth)
    #expect(born.readings.map(\.path) == [nil, "/metrics/suhu"])
    #expect(born.used.map(\.path) == ["/metrics/bdSeq"])
    #expect(born.leftOut.map(\.path) == ["/metrics/Node Control/Rebirth"])
  }

  @Test(
    "where the payload is one word or one number, the whole of it is what was taken",
    arguments: [
      ("scalar", "odc/1/suhu", "27,5"), ("scalar", "odc/1/LWT", "Online"), ("scalar", "suhu", "30 C"),
      ("frigate", "frigate/lobi/motion", "ON"), ("frigate", "frigate/available", "online"),
      ("tasmota", "tele/a/LWT", "Online"), ("tasmota", "stat/a/POWER", "ON"), ("onvif", "a/status", "online"),
      ("axis", "axis/B8A4/event/connection", "Connected"), ("sparkplug", "STATE/pusat", "ONLINE"),
      ("telegraf", "telegraf/modbus/$state", "ready"), ("telegraf", "telegraf/modbus/beban", "12"),
    ])
  func whole(_ format: String, _ topic: String, _ payload: String) throws {
    let file = Files.Case(name: "", topic: topic, format: format, payload: Array(payload.utf8))
    let explanation = LeafTests.explain(try Bench(format: format), file)
    #expect(explanation.readings.count == 1)
    #expect(explanation.readings.first?.path == (payload == "12" ? "/beban" : ""))
    #expect(explanation.leftOut.isEmpty)
    let cleared = Files.Case(name: "", topic: topic, format: format, payload: [])
    let none = LeafTests.explain(try Bench(format: format), cleared)
    #expect(none.readings.isEmpty)
  }
}
