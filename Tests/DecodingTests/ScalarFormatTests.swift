import Telemetry
import Testing

@testable import Decoding

@Suite("format scalar")
struct ScalarFormatTests {
  @Test(
    "one value a topic",
    arguments: [
      ("odc/07/temp", "21.5", "temp = 21.5 1 gauge"), ("odc/07/temp", " -8.40\n", "temp = -8.4 1 gauge"),
      ("odc/07/temp", "27,5", "temp = 27.5 1 gauge"), ("odc/07/temp", "33C", "temp = 33.0 Cel gauge"),
      ("odc/07/temp", "23.5 °C", "temp = 23.5 Cel gauge"), ("odc/07/rx", "-23.45dBm", "rx = -23.45 dBm gauge"),
      ("odc/07/used", "61.4%", "used = 61.4 % gauge"), ("odc/07/n", "1.234,5", "n = 1234.5 1 gauge"),
      ("odc/07/n", "1,234.5", "n = 1234.5 1 gauge"), ("odc/07/n", "+5e3", "n = 5000.0 1 gauge"),
      ("odc/07/n", ".5", "n = 0.5 1 gauge"), ("relay/0", "ON", "0 = on 1 state"), ("relay/0", "off", "0 = off 1 state"),
      ("cam/motion", "False", "motion = false 1 state"), ("a/ip", "192.168.100.200", "ip = 192.168.100.200 1 state"),
      ("a/uptime", "17:35", "uptime = 17:35 1 state"), ("a/day", "2026-11-22", "day = 2026-11-22 1 state"),
      ("a/count", "3 cars", "count = 3 cars 1 state"),
      ("ups/ups.status", "OB DISCHRG LB", "ups.status = OB DISCHRG LB 1 state"),
      ("wled/aa/c", "#FFA000", "c = #FFA000 1 state"), ("tele/x/LWT", "Online", "availability = online 1 state"),
      ("cam/x/status", "offline", "availability = offline 1 state"),
      ("a/$state", "lost", "availability = offline 1 state"),
      ("shelly/x/online", "true", "availability = online 1 state"),
      ("a/status", "recording", "status = recording 1 state"),
      ("a/name", "\"gate 4\"", "name = gate 4 1 state"),
    ])
  func values(_ topic: String, _ payload: String, _ expected: String) throws {
    let bench = try Bench(format: "scalar")
    #expect(bench.lines(topic, payload) == ["\(topic) \(expected)"])
    #expect(bench.isDecoded)
    #expect(bench.timeSources == ["received"])
  }

  @Test("metric tables take the whole payload")
  func mapped() throws {
    let bench = try Bench(
      try source(
        "meter/{id}/energy", "scalar", device: "meter-{id}",
        metrics: [MetricMapping(name: "hw.energy", path: "", unit: "J", kind: .counter)]))
    #expect(bench.lines("meter/7/energy", "2 kWh") == ["meter-7 hw.energy = 7200000.0 J counter"])
    bench.decode("meter/7/energy", "n/a")
    #expect(bench.faults == ["payload: is no number: \"n/a\""])
  }

  @Test("empty is not zero")
  func empty() throws {
    let bench = try Bench(format: "scalar")
    #expect(bench.lines("t", "").isEmpty)
    #expect(bench.isIgnored)
    #expect(bench.lines("t", "  \n").isEmpty)
    #expect(bench.isRefused)
  }

  @Test(
    "no number, a document, an image, a long text: refused",
    arguments: [
      "nan", "-inf", "{\"a\":1}", "[1]", "<?xml version=\"1.0\"?><vs/>", String(repeating: "x", count: 300),
    ])
  func refused(_ payload: String) throws {
    let bench = try Bench(format: "scalar")
    #expect(bench.lines("t", payload).isEmpty)
    #expect(bench.isRefused)
  }

  @Test("binary payloads are named by kind and size, and their bytes are not shown")
  func binary() throws {
    let bench = try Bench(format: "scalar")
    bench.decode("t", [0xff, 0xd8, 0xff, 0xe0] + [UInt8](repeating: 0x41, count: 996))
    #expect(bench.faults == ["byte 0: a JPEG image of 1000 bytes, not a value"])
    bench.decode("t", [0x31, 0x00, 0x32])
    #expect(bench.faults == ["byte 0: binary data of 3 bytes, not a value"])
    bench.decode("t", [UInt8](repeating: 0x41, count: 400))
    #expect(bench.faults == ["byte 0: base64 data of 400 bytes, not a value"])
    bench.decode("t", [0x31, 0xff])
    #expect(bench.faults == ["byte 1: invalid UTF-8"])
  }
}

@Suite("numbers as text")
struct NumberTextTests {
  private func read(_ text: String) -> (Double, String)? {
    Array(text.utf8).withUnsafeBytes { bytes in
      NumberText(bytes).map { ($0.value, String(decoding: $0.suffix, as: UTF8.self)) }
    }
  }

  @Test("what is no number")
  func none() {
    for text in [
      "", "-", "+", ".", ",", "abc", "1.2.3", "1,2,3", "12,34.5", "1234,567.8", "1e400", "inf", "nan", "--5",
    ] {
      #expect(read(text) == nil, "\(text)")
    }
  }

  @Test("an exponent needs digits, else the letter is a unit's")
  func exponent() throws {
    let exponent = try #require(read("5e-3"))
    #expect(exponent == (0.005, ""))
    let unit = try #require(read("5E"))
    #expect(unit == (5, "E"))
  }

  @Test("short decimals are the nearest double, long ones too")
  func nearest() {
    for text in [
      "0.1", "24.8", "-23.45", "123456789.123456", "0.000001", "9007199254740993", "3.141592653589793238462643",
    ] {
      #expect(read(text)?.0 == Double(text), "\(text)")
    }
  }
}
