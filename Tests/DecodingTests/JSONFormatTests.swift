import Telemetry
import Testing

@testable import Decoding

@Suite("format json")
struct JSONFormatTests {
  @Test("without metric tables every scalar leaf is taken, named by its path")
  func everyLeaf() throws {
    let bench = try Bench(
      try source("school/{site}/{cam}", "json", device: "{site}/{cam}", time: TimeMapping(path: "/ts", unit: .seconds)))
    let payload = #"{"a":{"b":[1.5,true]},"s":"on","n":null,"f":false,"ts":1795318800,"empty":""}"#
    #expect(
      bench.lines("school/sman1/gate", payload) == [
        "sman1/gate a.b.0 = 1.5 1 gauge", "sman1/gate a.b.1 = true 1 state", "sman1/gate s = on 1 state",
        "sman1/gate f = false 1 state", "sman1/gate empty =  1 state",
      ])
    #expect(bench.isDecoded)
    #expect(Set(bench.timeSources) == ["payload"])
    #expect(Set(bench.times) == ["2026-11-22T03:40:00Z"])
  }

  @Test("a payload that is one bare value is named value")
  func bareValue() throws {
    let bench = try Bench(format: "json")
    #expect(bench.lines("a/b", "17") == ["a/b value = 17.0 1 gauge"])
  }

  @Test("metric tables take what they point at and nothing else")
  func mapped() throws {
    let bench = try Bench(
      try source(
        "school/{site}/cctv/{cam}/telemetry", "json", class: .camera, device: "{site}/{cam}", site: "{site}",
        time: TimeMapping(path: "/ts", unit: .milliseconds),
        metrics: [
          MetricMapping(name: "camera.fps", path: "/fps", unit: "1/s"),
          MetricMapping(name: "drops", path: "/net/drops", kind: .counter),
          MetricMapping(name: "availability", path: "/status", kind: .state),
          MetricMapping(name: "motion", path: "/motion", kind: .event),
          MetricMapping(name: "second", path: "/list/1"),
          MetricMapping(name: "slash", path: "/a~1b~0c"),
        ]))
    let payload =
      #"{"other":1,"fps":24.8,"net":{"rtt":8,"drops":7},"ts":1795318812600,"status":"online","motion":2,"#
      + #""list":[1,2,3],"a/b~c":9}"#
    #expect(
      bench.lines("school/sman1/cctv/cam-03/telemetry", payload) == [
        "sman1/cam-03 camera.fps = 24.8 1/s gauge", "sman1/cam-03 drops = 7.0 1 counter",
        "sman1/cam-03 availability = online 1 state", "sman1/cam-03 motion = 2.0 1 event",
        "sman1/cam-03 second = 2.0 1 gauge", "sman1/cam-03 slash = 9.0 1 gauge",
      ])
    let device = try #require(bench.observations.first?.series.device)
    #expect(device.deviceClass == .camera)
    #expect(device.site == "sman1")
    #expect(bench.times.first == "2026-11-22T03:40:12.600Z")
  }

  @Test("two tables may point at the same value, and a table at the time's")
  func samePath() throws {
    let bench = try Bench(
      try source(
        "#", "json", time: TimeMapping(path: "/ts", unit: .seconds),
        metrics: [
          MetricMapping(name: "a", path: "/x"), MetricMapping(name: "b", path: "/x", kind: .state),
          MetricMapping(name: "clock", path: "/ts", unit: "s"), MetricMapping(name: "c", path: "/x", kind: .counter),
        ]))
    #expect(
      bench.lines("t", #"{"ts":1795318800,"x":3}"#) == [
        "t clock = 1795318800.0 s gauge", "t a = 3.0 1 gauge", "t b = 3 1 state", "t c = 3.0 1 counter",
      ])
  }

  @Test("keys in another order, and keys that come and go, give the same series")
  func anyOrder() throws {
    for metrics in [[], [MetricMapping(name: "a", path: "/a"), MetricMapping(name: "d.e", path: "/d/e")]] {
      let bench = try Bench(try source("#", "json", metrics: metrics))
      bench.decode("t", #"{"a":1,"d":{"e":2}}"#)
      let count = bench.registry.series.count
      for payload in [#"{"d":{"e":2},"a":1}"#, #"{"a":1,"d":{"e":2}}"#, #"{"d":{"e":2}}"#, #"{"a":1}"#] {
        #expect(bench.decode("t", payload).allSatisfy { $0.series.device.name == "t" })
        #expect(bench.isDecoded)
      }
      #expect(Set(bench.lines("t", #"{"d":{"e":5},"a":4}"#)) == ["t a = 4.0 1 gauge", "t d.e = 5.0 1 gauge"])
      #expect(bench.registry.series.count == count)
    }
  }

  @Test("of a key that stands twice the first counts, and the other is a fault")
  func duplicateKeys() throws {
    let open = try Bench(format: "json")
    #expect(open.lines("t", #"{"a":1,"a":2,"b":{"c":1},"b":{"c":2}}"#) == ["t a = 1.0 1 gauge", "t b.c = 1.0 1 gauge"])
    #expect(
      open.faults == [
        "/a: the key stands twice; the first one counts", "/b: the key stands twice; the first one counts",
      ])
    let mapped = try Bench(try source("#", "json", metrics: [MetricMapping(name: "x", path: "/a")]))
    #expect(mapped.lines("t", #"{"a":1,"z":0,"z":1,"a":2}"#) == ["t x = 1.0 1 gauge"])
    #expect(mapped.isPartial)
  }

  @Test("numbers that no double holds, and NaN, are faults with their path; the rest is taken")
  func unusableNumbers() throws {
    let bench = try Bench(format: "json")
    #expect(bench.lines("t", #"{"a":1e400,"b":{"c":NaN},"d":[-Infinity],"e":2}"#) == ["t e = 2.0 1 gauge"])
    #expect(
      bench.faults == [
        "/a: is beyond what a double can hold", "/b/c: is not a number (NaN)", "/d/0: is infinite",
      ])
    #expect(bench.isPartial)
    #expect(bench.lines("t", #"{"a":1e400}"#).isEmpty)
    #expect(bench.isRefused)
  }

  @Test("whole numbers of any length are doubles")
  func longIntegers() throws {
    let bench = try Bench(format: "json")
    #expect(
      bench.lines("t", #"{"a":18446744073709551615,"b":123456789012345678901234567890,"c":-9223372036854775808}"#) == [
        "t a = 1.8446744073709552e+19 1 gauge", "t b = 1.2345678901234568e+29 1 gauge",
        "t c = -9.223372036854776e+18 1 gauge",
      ])
  }

  @Test(
    "what is no JSON is refused with the byte",
    arguments: [
      ("", "byte 0: the payload is empty"), ("{", "byte 1: ends inside an object"),
      (#"{"a":1,}"#, "byte 7: a key in quotes should stand here"),
      (#"{"a" 1}"#, "byte 5: a colon should follow the key"),
      (#"{"a":1 "b":2}"#, "byte 7: a comma or the object's end should stand here"),
      ("[1 2]", "byte 3: a comma or the array's end should stand here"),
      ("[1,]", "byte 3: no JSON value begins like this"),
      ("01", "byte 0: a number has no leading zero"), ("1.", "byte 2: a digit should follow the point"),
      ("1e", "byte 2: a digit should stand in the exponent"), ("nul", "byte 0: no JSON value begins like this"),
      (#""\x""#, "byte 2: no such escape"), (#""\ud800""#, "byte 7: half of a surrogate pair"),
      ("{} x", "byte 3: text after the end of the document"), (#"{"a":'1'}"#, "byte 5: no JSON value begins like this"),
      ("\"a\nb\"", "byte 2: a control character or line end inside a text"), ("-", "byte 1: a digit should stand here"),
      (#"{"a":"b"#, "byte 7: ends inside a text"),
    ])
  func malformed(_ payload: String, _ expected: String) throws {
    let bench = try Bench(format: "json")
    #expect(bench.lines("t", payload).isEmpty)
    #expect(bench.isRefused)
    #expect(bench.faults == [expected])
  }

  @Test("texts are unescaped")
  func escapes() throws {
    let bench = try Bench(format: "json")
    // The second payload has a number that sends it through the reader of our own.
    for payload in [#"{"s":"a\"\\\/\n\tü😀"}"#, #"{"s":"a\"\\\/\n\tü😀","x":1e999}"#] {
      #expect(bench.lines("t", payload) == ["t s = a\"\\/\n\tü😀 1 state"])
    }
  }

  @Test("a text that is too long is no state")
  func longText() throws {
    let bench = try Bench(format: "json")
    let text = String(repeating: "A", count: 5000)
    #expect(bench.lines("t", #"{"image":"\#(text)","n":1}"#) == ["t n = 1.0 1 gauge"])
    #expect(bench.faults == ["/image: a text of 5000 bytes; at most 256 are taken"])
  }

  @Test("a document without a value is refused: the mapping fits nothing of what the device sends")
  func nothing() throws {
    let open = try Bench(format: "json")
    for payload in ["{}", "[]", "null", #"{"a":null}"#] {
      open.decode("t", payload)
      #expect(open.isRefused)
      #expect(open.faults == ["payload: no number, boolean or text in it"])
    }
    let mapped = try Bench(
      try source(
        "#", "json",
        metrics: [MetricMapping(name: "x", path: "/a"), MetricMapping(name: "y", path: "/b", kind: .event)]))
    mapped.decode("t", #"{"c":1,"a":null}"#)
    #expect(mapped.faults == ["payload: no value at any mapped path: /a, /b"])
    // A flag that is down is there, and says that nothing happened.
    mapped.decode("t", #"{"b":false}"#)
    #expect(mapped.isIgnored)
  }

  @Test("metric tables read numbers in texts, units and words")
  func conversions() throws {
    let cases: [(String, MetricMapping, String?)] = [
      (#""12.5""#, MetricMapping(name: "m", path: "/v"), "12.5 1 gauge"),
      (#""9.0%""#, MetricMapping(name: "m", path: "/v", unit: "%"), "9.0 % gauge"),
      (#""9.0%""#, MetricMapping(name: "m", path: "/v"), "9.0 1 gauge"),
      (#""27,5""#, MetricMapping(name: "m", path: "/v"), "27.5 1 gauge"),
      (#""-5.22dBm""#, MetricMapping(name: "m", path: "/v", unit: "dBm"), "-5.22 dBm gauge"),
      (#""13.5 mA""#, MetricMapping(name: "m", path: "/v", unit: "A"), "0.0135 A gauge"),
      (#""1.5 kWh""#, MetricMapping(name: "m", path: "/v", unit: "J", kind: .counter), "5400000.0 J counter"),
      (#""33C""#, MetricMapping(name: "m", path: "/v", unit: "V"), nil),
      (#""12 apples""#, MetricMapping(name: "m", path: "/v"), nil),
      (#""--""#, MetricMapping(name: "m", path: "/v"), nil),
      (#""""#, MetricMapping(name: "m", path: "/v"), ""),
      ("{}", MetricMapping(name: "m", path: "/v"), nil),
      ("true", MetricMapping(name: "m", path: "/v"), "1.0 1 gauge"),
      (#""off""#, MetricMapping(name: "m", path: "/v"), "0.0 1 gauge"),
      ("true", MetricMapping(name: "m", path: "/v", kind: .state), "true 1 state"),
      (#""False""#, MetricMapping(name: "m", path: "/v", kind: .state), "False 1 state"),
      ("2", MetricMapping(name: "m", path: "/v", kind: .state), "2 1 state"),
      ("2.5", MetricMapping(name: "m", path: "/v", kind: .state), "2.5 1 state"),
      ("true", MetricMapping(name: "m", path: "/v", kind: .event), "1.0 1 event"),
      ("false", MetricMapping(name: "m", path: "/v", kind: .event), ""),
      ("0", MetricMapping(name: "m", path: "/v", kind: .event), ""),
      ("-1", MetricMapping(name: "m", path: "/v", kind: .event), nil),
      (#""lobby""#, MetricMapping(name: "m", path: "/v", kind: .event), "1.0 value=lobby 1 event"),
    ]
    for (value, mapping, expected) in cases {
      let bench = try Bench(try source("#", "json", metrics: [mapping]))
      let lines = bench.lines("t", #"{"v":\#(value)}"#)
      if let expected {
        #expect(lines == (expected.isEmpty ? [] : ["t m = " + expected]), "\(value)")
        #expect(bench.faults.isEmpty, "\(value)")
      } else {
        #expect(lines.isEmpty && bench.isRefused, "\(value)")
        #expect(bench.faults.first?.hasPrefix("/v: ") == true, "\(value)")
      }
    }
  }

  @Test("FPP's documents are read with metric tables")
  func fpp() throws {
    let bench = try Bench(
      try source(
        "falcon/player/{player}/fppd_status", "json", class: .videotron, device: "{player}",
        metrics: [
          MetricMapping(name: "player.status", path: "/status_name", kind: .state),
          MetricMapping(name: "player.seconds_remaining", path: "/seconds_remaining", unit: "s"),
          MetricMapping(name: "hw.temperature", path: "/sensors/0/value", unit: "Cel"),
          MetricMapping(name: "hw.voltage", path: "/sensors/1/formatted", unit: "V"),
          MetricMapping(name: "load", path: "/load", unit: "%"),
        ]),
      try source(
        "falcon/player/{player}/port_status", "json", class: .videotron, device: "{player}",
        metrics: [MetricMapping(name: "port.current", path: "/1/ma", unit: "mA")]))
    let status =
      #"{"status_name":"playing","seconds_remaining":"12.5","load":"9.0%","sensors":[{"value":26.25},"#
      + #"{"formatted":"5.1V"}]}"#
    #expect(
      bench.lines("falcon/player/alun-alun/fppd_status", status) == [
        "alun-alun player.status = playing 1 state", "alun-alun player.seconds_remaining = 12.5 s gauge",
        "alun-alun load = 9.0 % gauge", "alun-alun hw.temperature = 26.25 Cel gauge",
        "alun-alun hw.voltage = 5.1 V gauge",
      ])
    #expect(
      bench.lines("falcon/player/alun-alun/port_status", #"[{"ma":435},{"ma":12}]"#) == [
        "alun-alun port.current = 12.0 mA gauge"
      ])
  }

  @Test("a built-in format with metric tables keeps its names and times")
  func tablesOnBuiltIn() throws {
    let bench = try Bench(
      try source(
        "tele/{device}/SENSOR", "tasmota", metrics: [MetricMapping(name: "p", path: "/ENERGY/Power", unit: "W")]))
    #expect(
      bench.lines("tele/pow1/SENSOR", #"{"Time":"2026-11-22T10:40:00","ENERGY":{"Power":5,"Voltage":220}}"#) == [
        "pow1 p = 5.0 W gauge"
      ])
    #expect(bench.times == ["2026-11-22T03:40:00Z"])
  }

  @Test("many metrics of one topic keep their series")
  func manyMetrics() throws {
    let bench = try Bench(format: "json")
    let first = "{" + (0..<100).map { "\"m\($0)\":\($0)" }.joined(separator: ",") + "}"
    let second = "{" + (0..<100).reversed().map { "\"m\($0)\":\($0)" }.joined(separator: ",") + "}"
    #expect(bench.decode("t", first).count == 100)
    for observation in bench.decode("t", second) {
      #expect(observation.value == .number(Double(observation.series.metric.dropFirst()) ?? -1))
    }
    #expect(bench.registry.series.count == 100)
  }
}
