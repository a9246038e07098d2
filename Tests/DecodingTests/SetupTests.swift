import Telemetry
import Testing

@testable import Decoding

@Suite("setting up")
struct SetupTests {
  private func fault(_ source: SourceDefinition, zone: String = "Asia/Jakarta") -> DecoderSetupFault? {
    do throws(DecoderSetupFault) {
      _ = try Decoder(sources: [source], timezone: zone, registry: Registry())
      return nil
    } catch { return error }
  }

  @Test("every format that is named sets up")
  func formats() throws {
    #expect(
      Decoder.formats == ["json", "scalar", "frigate", "onvif", "axis", "tasmota", "telegraf", "sparkplug", "senml"])
    for format in Decoder.formats { #expect(fault(try source("a/#", format)) == nil) }
  }

  @Test("an unknown format is refused with the nearest one")
  func unknownFormat() throws {
    let near = try #require(fault(try source("a", "frigatte", name: "nvr")))
    #expect(near.source == "nvr")
    #expect(near.key == "format")
    #expect(near.description == "source \"nvr\", format: there is no format \"frigatte\" (did you mean \"frigate\"?)")
    #expect(try #require(fault(try source("a", "JSON"))).hint == "did you mean \"json\"?")
    #expect(try #require(fault(try source("a", "homeassistant"))).hint?.hasPrefix("known are json, ") == true)
    #expect(try #require(fault(try source("a", "profile:fpp"))).reason == "the profile \"fpp\" was not read")
  }

  @Test("pointers are checked")
  func pointers() throws {
    let metric = try #require(fault(try source("a", "json", metrics: [MetricMapping(name: "x", path: "a.b")])))
    #expect(metric.key == "metric[0].path")
    #expect(metric.hint == "it begins with a slash: \"/a/b\"")
    let time = try #require(fault(try source("a", "json", time: TimeMapping(path: "/a~2", unit: .seconds))))
    #expect(time.key == "time.path")
    #expect(time.hint == "write ~0 for ~ and ~1 for / inside a key")
    #expect(fault(try source("a", "scalar", metrics: [MetricMapping(name: "x", path: "/a")]))?.key == "metric[0].path")
  }

  @Test("templates name captures of the topic, or of the format")
  func templates() throws {
    let device = try #require(fault(try source("a/{cam}", "json", device: "{camera}")))
    #expect(device.key == "device")
    #expect(device.reason == "{camera} is no capture of the topic a/{cam}")
    #expect(device.hint == "there is {cam}")
    #expect(fault(try source("a/b", "json", site: "{x}"))?.key == "site")
    #expect(fault(try source("frigate/#", "frigate", device: "{prefix}-{camera}")) == nil)
    #expect(fault(try source("telegraf/#", "telegraf", device: "{any_tag}")) == nil)
  }

  @Test("what a format can't do is refused, not passed over")
  func impossible() throws {
    let metrics = [MetricMapping(name: "x", path: "/a")]
    for format in ["telegraf", "sparkplug", "senml"] {
      #expect(fault(try source("a", format, metrics: metrics))?.key == "metric")
      #expect(fault(try source("a", format, time: TimeMapping(path: "/t", unit: .seconds)))?.key == "time")
    }
    #expect(fault(try source("a", "scalar", time: TimeMapping(path: "/t", unit: .seconds)))?.key == "time")
  }

  @Test("zones are checked, the gateway's and each source's")
  func zones() throws {
    let gateway = try #require(fault(try source("a", "json"), zone: "Asia/Djakarta"))
    #expect(gateway.source.isEmpty)
    #expect(gateway.description.hasPrefix("timezone: there is no time zone \"Asia/Djakarta\""))
    #expect(fault(try source("a", "json", timezone: "Mars/Base"))?.source == "source")
  }

  @Test("JSON Pointers read as RFC 6901 has them")
  func pointerSyntax() {
    #expect(JSONPointer("")?.tokens == [])
    #expect(JSONPointer("/")?.tokens == [[]])
    #expect(JSONPointer("/a//b")?.tokens.map { String(decoding: $0, as: UTF8.self) } == ["a", "", "b"])
    #expect(JSONPointer("/~01~1")?.tokens.map { String(decoding: $0, as: UTF8.self) } == ["~1/"])
    #expect(JSONPointer("a") == nil)
    #expect(JSONPointer("/~") == nil)
  }

  @Test("catalogues are whole and without doubles")
  func catalogues() {
    for format in Decoder.formats where format != "json" && format != "scalar" {
      let entries = Decoder.catalogue(of: format)
      #expect(!entries.isEmpty)
      #expect(Set(entries.map { "\($0.metric) \($0.kind)" }).count == entries.count, "\(format)")
      #expect(entries.allSatisfy { !$0.meaning.isEmpty && !$0.unit.isEmpty })
    }
    #expect(Decoder.catalogue(of: "json").isEmpty)
    #expect(Decoder.catalogue(of: "nothing").isEmpty)
    #expect(CatalogueEntry("tasmota.{sensor}.{field}", "1", .gauge, "x").covers("tasmota.ANALOG.A0"))
    #expect(!CatalogueEntry("tasmota.{sensor}.{field}", "1", .gauge, "x").covers("tasmota.load"))
  }
}

@Suite("routing")
struct RoutingTests {
  @Test("the first source whose topic matches takes the message, alone")
  func first() throws {
    let bench = try Bench(
      try source("a/b", "scalar", device: "first"), try source("a/{x}", "scalar", device: "second-{x}"))
    #expect(bench.lines("a/b", "1") == ["first b = 1.0 1 gauge"])
    #expect(bench.lines("a/c", "1") == ["second-c c = 1.0 1 gauge"])
    #expect(bench.lines("b", "1").isEmpty)
    if case .unrouted = bench.outcome {} else { Issue.record("routed") }
  }

  @Test("a topic is found once, and when too many are remembered all are forgotten and found again")
  func bounded() throws {
    let bench = try Bench(try source("a/{x}", "scalar"), limits: DecodingLimits(topics: 10))
    for round in 0..<3 {
      for number in 0..<25 {
        #expect(bench.lines("a/\(number)", "\(round)") == ["a/\(number) \(number) = \(Double(round)) 1 gauge"])
        #expect(bench.decoder.rememberedTopics <= 10)
      }
    }
    #expect(bench.registry.devices.count == 25)
  }

  @Test("topics that are no UTF-8 match nothing")
  func invalidTopic() throws {
    let bench = try Bench(format: "scalar")
    var out: [Observation] = []
    let outcome = [0x61, 0xff].withUnsafeBufferPointer { topic in
      bench.decoder.decode(
        topic: UnsafeRawBufferPointer(topic), payload: UnsafeRawBufferPointer(start: nil, count: 0), bench.reception,
        into: &out)
    }
    if case .unrouted = outcome {} else { Issue.record("routed") }
  }

  @Test("observations are appended, and a refused message leaves what was there")
  func appended() throws {
    let decoder = try Decoder(sources: [try source("#", "json")], timezone: "UTC", registry: Registry())
    var out: [Observation] = []
    func decode(_ payload: String) {
      _ = Array("t".utf8).withUnsafeBytes { topic in
        Array(payload.utf8).withUnsafeBytes {
          decoder.decode(topic: topic, payload: $0, Reception(receivedAt: Bench.now), into: &out)
        }
      }
    }
    decode(#"{"a":1}"#)
    decode(#"{"a":2,"#)
    decode(#"{"a":3}"#)
    #expect(out.map(\.value) == [.number(1), .number(3)])
  }

  @Test("when the registry is full, readings are refused and those known go on")
  func fullRegistry() throws {
    let registry = Registry(limits: Registry.Limits(devices: 1, series: 1))
    let decoder = try Decoder(sources: [try source("#", "json")], timezone: "UTC", registry: registry)
    func decode(_ topic: String, _ payload: String) -> (Decoder.Outcome, Int) {
      var out: [Observation] = []
      let outcome = Array(topic.utf8).withUnsafeBytes { topic in
        Array(payload.utf8).withUnsafeBytes {
          decoder.decode(topic: topic, payload: $0, Reception(receivedAt: Bench.now), into: &out)
        }
      }
      return (outcome, out.count)
    }
    #expect(decode("a", #"{"x":1,"y":2}"#).1 == 1)
    #expect(decode("a", #"{"x":1}"#).1 == 1)
    let other = decode("b", #"{"x":1}"#)
    #expect(other.1 == 0)
    if case .refused(let fault) = other.0 {
      #expect(fault.description == "payload: the limit of known devices is reached")
    } else {
      Issue.record("not refused")
    }
  }

  @Test("a byte table finds what was put in, by key and number")
  func byteTable() {
    var table = ByteTable<Int>()
    func key(_ number: Int) -> [UInt8] { Array("key-\(number % 1000)".utf8) }
    for number in 0..<3000 {
      key(number).withUnsafeBytes { table.insert(number, for: $0, salt: UInt64(number / 1000)) }
    }
    for number in 0..<3000 {
      #expect(key(number).withUnsafeBytes { table.find($0, salt: UInt64(number / 1000)) } == number)
    }
    #expect(Array("absent".utf8).withUnsafeBytes { table.find($0) } == nil)
    table.removeAll()
    #expect(key(1).withUnsafeBytes { table.find($0) } == nil)
  }
}
