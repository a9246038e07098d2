import Foundation
import Telemetry
import Testing

@Suite("Values as people and devices write them")
struct ValueTests {
  @Test(
    "durations",
    arguments: [
      ("200ms", 200_000_000), ("30s", 30_000_000_000), ("1.5h", 5_400_000_000_000), ("7d", 604_800_000_000_000),
    ])
  func spans(_ text: String, _ nanoseconds: Int64) { #expect(Span(text)?.nanoseconds == nanoseconds) }

  @Test("what is no duration is refused", arguments: ["", "5", "s", "-5s", "5 s", "1e3s", "99999999999d", "5sec"])
  func noSpans(_ text: String) { #expect(Span(text) == nil) }

  @Test("a duration prints in the largest unit that divides it")
  func spanText() {
    #expect(Span.seconds(90).description == "90s")
    #expect(Span.minutes(5).description == "5m")
    #expect(Span.milliseconds(200).description == "200ms")
  }

  @Test("sizes and rates")
  func sizes() {
    #expect(ByteSize("64MiB")?.bytes == 67_108_864)
    #expect(ByteSize("10kB")?.bytes == 10_000)
    #expect(ByteSize("1 MiB") == nil)
    #expect(ByteSize("9999999999TiB") == nil)
    #expect(BitRate("256kbit/s")?.bitsPerSecond == 256_000)
    #expect(BitRate("256") == nil)
  }

  @Test("a time reads back as it was written, and agrees with Foundation")
  func roundTrip() throws {
    var generator = Seeded(state: 5)
    let formatter = ISO8601DateFormatter()
    for _ in 0..<2000 {
      let seconds = Int64.random(in: -8_000_000_000...8_000_000_000, using: &generator)
      let time = Timestamp(
        nanoseconds: seconds * 1_000_000_000 + Int64.random(in: 0..<1_000_000_000, using: &generator))
      #expect(RFC3339.parse(RFC3339.format(time)) == time)
      let whole = Timestamp(nanoseconds: seconds * 1_000_000_000)
      if seconds > -2_000_000_000 {
        #expect(RFC3339.format(whole) == formatter.string(from: Date(timeIntervalSince1970: Double(seconds))))
      }
    }
  }

  @Test("offsets, spaces, commas and missing zones are read as written")
  func odd() {
    #expect(RFC3339.parse("2026-11-22T10:40:12.6+07:00") == RFC3339.parse("2026-11-22T03:40:12.600Z"))
    #expect(RFC3339.parse("2026-11-22 03:40:12,6Z") == RFC3339.parse("2026-11-22T03:40:12.600Z"))
    #expect(RFC3339.parse("2026-11-22T03:40:12") == nil)
    #expect(RFC3339.parts("2026-11-22T03:40:12")?.offset == nil)
    #expect(RFC3339.parts("2026-11-22T03:40:12") != nil)
    #expect(RFC3339.format(Timestamp(milliseconds: 1500)) == "1970-01-01T00:00:01.500Z")
  }

  @Test(
    "what is no time is refused",
    arguments: [
      "", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00Zx", "x",
    ])
  func noTimes(_ text: String) { #expect(RFC3339.parts(text) == nil) }

  @Test("a floating epoch time keeps microseconds")
  func floating() {
    #expect(Timestamp(seconds: 1_763_782_812.6)?.nanoseconds == 1_763_782_812_600_000_000)
    #expect(Timestamp(seconds: .nan) == nil)
    #expect(Timestamp(seconds: 1e300) == nil)
  }

  @Test("names give the same UUID for ever, and different ones others")
  func uuids() {
    let id = NamedUUID.make(["gateway", "rule", "device"])
    #expect(id == NamedUUID.make(["gateway", "rule", "device"]))
    #expect(id != NamedUUID.make(["gateway", "ruled", "evice"]))
    #expect(UUID(uuidString: id) != nil)
    #expect(Array(id)[14] == "5")
    #expect(NamedUUID.random() != NamedUUID.random())
  }

  @Test("what the JSON writer writes, Foundation reads back")
  func json() throws {
    var writer = JSONWriter()
    let odd = "quote \" backslash \\ newline \n tab \t bell \u{7} é 漢"
    writer.object { json in
      json.field("text", odd)
      json.field("number", 0.1)
      json.field("whole", 1e14)
      json.field("tiny", 1e-7)
      json.field("nan", Double.nan)
      json.array("list") {
        $0.element("a"); $0.element(2.5)
      }
      json.object("empty") { _ in }
    }
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String: Any])
    #expect(object["text"] as? String == odd)
    #expect(object["number"] as? Double == 0.1)
    #expect(object["tiny"] as? Double == 1e-7)
    #expect(object["nan"] is NSNull)
    #expect(writer.text.contains("\"whole\":100000000000000,"))
  }
}
