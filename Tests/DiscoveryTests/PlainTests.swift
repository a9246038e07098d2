import Decoding
import Settings
import Telemetry
import Testing

@testable import Discovery

@Suite("What no format has is proposed by what it looks like")
struct PlainTests {
  private func cameras() -> Survey {
    var survey = Survey()
    for turn in 0..<4 {
      for (number, site) in ["sman1", "sman1", "smpn2"].enumerated() {
        let after = Double(turn) * 30 + Double(number)
        let stamp = 1_795_320_000_000 + Int(after * 1000) - 300
        survey.hear(
          "school/\(site)/cctv/cam-\(number)/telemetry",
          #"{"ts":\#(stamp),"fps":24.\#(turn),"temp":41.5,"bytes_out":\#(1000 * (turn + 1)),"fw":"2.1"}"#, after: after)
      }
    }
    survey.hear("school/sman1/cctv/cam-0/status", "online", retained: true)
    return survey
  }

  @Test("a plain camera gets its place, device, time, interval, class, units and kinds")
  func camera() throws {
    let found = try discover(cameras())
    let source = try #require(found.sources.first { $0.format == "json" })
    #expect(source.topic == "school/{site}/cctv/{device}/telemetry")
    #expect(source.device == "{site}/{device}")
    #expect(source.site == "{site}")
    #expect(source.deviceClass == .camera)
    #expect(source.interval == .seconds(30))
    #expect(source.time?.path == "/ts")
    #expect(source.time?.unit == .milliseconds)
    let metrics = Dictionary(uniqueKeysWithValues: source.metrics.map { ($0.path ?? "", $0) })
    #expect(metrics["/fps"]?.name == "camera.fps")
    #expect(metrics["/temp"]?.unit == "Cel")
    #expect(metrics["/bytes_out"]?.kind == .counter)
    #expect(metrics["/bytes_out"]?.unit == "By")
    #expect(metrics["/fw"] == nil)
    #expect(source.doubts.contains { $0.contains("/fw") })
  }

  @Test("sources of the same devices agree in class and interval, whichever is heard first")
  func family() throws {
    let found = try discover(cameras())
    let status = try #require(found.sources.first { $0.format == "scalar" })
    #expect(status.topic == "school/{site}/cctv/{device}/status")
    #expect(status.deviceClass == .camera)
    #expect(status.interval == .seconds(30))
    #expect(found.trial.devices.map(\.name) == ["sman1/cam-0", "sman1/cam-1", "smpn2/cam-2"])
    #expect(found.trial.topics.allSatisfy { $0.result == .decoded })
  }

  @Test("each reason is said once, and Frigate's interval is that of its statistics")
  func reasonsOnce() throws {
    var survey = Survey()
    for turn in 0..<4 {
      let after = Double(turn) * 60
      survey.hear("frigate/stats", #"{"cameras":{"a":{"camera_fps":5}},"service":{"uptime":9}}"#, after: after)
      for event in 0..<8 { survey.hear("frigate/a/person", "\(event)", after: after + Double(event) * 3) }
      survey.hear("tele/led/SENSOR", #"{"Time":"2026-11-22T11:00:00","ENERGY":{"Power":120}}"#, after: after)
      survey.hear("kamera/cam-\(turn)/lapor", #"{"suhu":31.5}"#, after: after)
    }
    let found = try discover(survey)
    #expect(found.sources.count == 3)
    for source in found.sources {
      #expect(Set(source.notes.map { $0.prefix { $0 != ":" } }).count == source.notes.count, "\(source.notes)")
      #expect(Set(source.doubts).count == source.doubts.count, "\(source.doubts)")
    }
    #expect(found.sources.first { $0.format == "frigate" }?.interval == .minutes(1))
  }

  @Test("names without numbers are devices where all looks alike beneath them")
  func namesWithoutNumbers() throws {
    var messages: [(String, String)] = []
    for place in ["gerbang", "halaman", "kantin"] {
      messages.append(("cctv/\(place)/telemetry", #"{"fps":25,"online":true}"#))
    }
    let found = try discover(messages)
    #expect(found.sources.map(\.topic) == ["cctv/{device}/telemetry"])
    #expect(found.trial.devices.map(\.name) == ["gerbang", "halaman", "kantin"])
  }

  @Test("one value a topic: names stay names, units come with the text")
  func scalars() throws {
    var messages: [(String, String)] = []
    for node in ["odc-01", "odc-02"] {
      messages += [
        ("odc/\(node)/rx", "-19.43 dBm"), ("odc/\(node)/temp", "31,5"), ("odc/\(node)/door", "OFF"),
        ("odc/\(node)/ups", "OL CHRG"), ("odc/\(node)/status", "online"),
      ]
    }
    let found = try discover(messages)
    #expect(
      Set(found.sources.map(\.topic))
        == ["odc/{device}/rx", "odc/{device}/temp", "odc/{device}/door", "odc/{device}/ups", "odc/{device}/status"])
    #expect(found.sources.allSatisfy { $0.deviceClass == .fiberNode && $0.format == "scalar" })
    #expect(found.trial.devices.map(\.name) == ["odc-01", "odc-02"])
    let light = try #require(found.sources.first { $0.topic.hasSuffix("rx") }?.metrics.first)
    #expect(light.name == "optical.input-power")
    #expect(light.unit == "dBm")
    #expect(found.trial.topics.allSatisfy { $0.result == .decoded })
  }

  @Test("the time is the value nearest to the receipt, not the start of a playlist")
  func nearestTime() throws {
    let found = try discover([
      (
        "led/layar-1/info",
        #"{"play":{"startTime":1795316400,"currentTime":1795320001,"endTime":1795323600},"volume":7}"#
      )
    ])
    #expect(found.sources.first?.time?.path == "/play/currentTime")
    #expect(found.sources.first?.time?.unit == .seconds)
  }

  @Test(
    "local time that names no zone is the time, and its zone is told by how far it is from the receipt",
    arguments: [(7, "Asia/Jakarta"), (8, "Asia/Makassar"), (9, "Asia/Jayapura"), (0, "UTC")])
  func naiveTime(_ hours: Int, _ zone: String) throws {
    var survey = Survey()
    for turn in 0..<3 {
      let after = Double(turn) * 30
      let stamp = RFC3339.format(noon + .seconds(Int64(hours * 3600) + Int64(after))).dropLast()
      survey.hear("kamera/cam-\(turn % 2)/lapor", #"{"waktu":"\#(stamp)","suhu":31.5}"#, after: after + 0.4)
    }
    let found = try discover(survey)
    let source = try #require(found.sources.first)
    #expect(source.time?.path == "/waktu")
    #expect(source.time?.unit == .iso)
    #expect(source.timezone == zone)
    #expect(source.text.contains("timezone = \"\(zone)\""))
    #expect(source.notes.contains { $0.hasPrefix("timezone: its clocks are ") })
    let sample = try #require(found.trial.devices.first?.sample)
    #expect(sample.timeSource == .payload)
    #expect(abs((sample.time - noon).seconds) < 100)
  }

  @Test("local time hours from any zone of the country is a doubt, not a guess")
  func foreignZone() throws {
    let found = try discover([("kamera/cam-1/lapor", #"{"waktu":"2026-11-22T01:00:00","suhu":31.5}"#)])
    #expect(found.sources.first?.timezone == nil)
    #expect(found.sources.first?.doubts.contains { $0.contains("give their zone as timezone") } == true)
  }

  @Test("uptimes and counts are no times")
  func noTime() throws {
    let found = try discover([("a/dev-1/info", #"{"uptime":86400,"count":1795,"t":21.5}"#)])
    #expect(found.sources.count == 1)
    #expect(found.sources.first?.time == nil)
  }

  @Test("an array's things are one metric with a label")
  func arrays() throws {
    let found = try discover([("panel/led-1/ports", #"[{"ma":400,"on":true},{"ma":900,"on":false}]"#)])
    let metric = try #require(found.sources.first?.metrics.first)
    #expect(metric.each == "/{n}")
    #expect(metric.path == "/ma")
    #expect(metric.unit == "mA")
    #expect(found.trial.topics.first?.result == .decoded)
  }

  @Test("a rhythm is rounded to what people set; what has none gets no interval")
  func intervals() {
    #expect(IntervalGuess.rounded(29.3e9) == .seconds(30))
    #expect(IntervalGuess.rounded(61e9) == .seconds(60))
    #expect(IntervalGuess.rounded(300.4e9) == .minutes(5))
    #expect(IntervalGuess.rounded(0.151e9) == .milliseconds(150))
    #expect(IntervalGuess.rounded(42e9) == .seconds(42))
    var survey = Survey()
    for after in [0.0, 1, 60, 61, 400, 403] { survey.hear("a/b", "1", after: after) }
    #expect(IntervalGuess.find(survey.topics) == nil)
  }

  @Test("topics that a configuration reads already are not proposed again, and its names are not taken")
  func present() throws {
    let text = """
      [gateway]
      id = "x"
      [[source]]
      name = "odc-temp"
      topic = "odc/{node}/rx"
      format = "scalar"
      device = "{node}"
      """
    let present = try GatewaySettings.parse(text: text, file: "x", knownFormats: Decoder.formats)
    var survey = Survey()
    for node in ["odc-01", "odc-02"] {
      survey.hearThrice("odc/\(node)/rx", "-19.4")
      survey.hearThrice("odc/\(node)/temp", "31,5")
    }
    let found = try discover(survey, present: present)
    #expect(found.sources.map(\.topic) == ["odc/{device}/temp"])
    #expect(found.sources.map(\.name) == ["odc-temp-2"])
    #expect(found.trial.count(.decoded) == 4)
  }

  @Test("what a format's source can't read gets a source before it")
  func overlap() throws {
    var messages: [(String, String)] = [
      ("shellies/plus1/status/switch:0", #"{"id":0,"output":true,"apower":8.9}"#), ("shellies/plus1/online", "true"),
    ]
    for number in 1...3 { messages.append(("shellies/em-\(number)/emeter/0/power", "12.5")) }
    let found = try discover(messages)
    let generic = try #require(found.sources.firstIndex { $0.format == "profile:shelly-gen2" })
    let own = try #require(found.sources.firstIndex { $0.format == "scalar" })
    #expect(own < generic)
    #expect(found.trial.topics.allSatisfy { $0.result == .decoded })
  }

  @Test("images alone are proposed for nothing")
  func images() throws {
    var survey = Survey()
    for _ in 0..<3 { survey.take(topic: "cam-1/snapshot", payload: [0xff, 0xd8, 0xff, 0], at: noon) }
    #expect(try discover(survey).sources.isEmpty)
  }

  @Test("nothing heard is nothing proposed")
  func nothing() throws {
    let found = try discover(Survey())
    #expect(found.sources.isEmpty)
    #expect(found.text.isEmpty)
  }
}
