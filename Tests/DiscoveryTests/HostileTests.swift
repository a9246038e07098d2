import Decoding
import Settings
import Telemetry
import Testing

@testable import Discovery

/// A generator with a seed, so that a failure can be had again.
private struct Dice: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    var x = state
    x ^= x >> 33
    x = x &* 0xff51_afd7_ed55_8ccd
    return x ^ (x >> 33)
  }
}

@Suite("Names from devices do no harm")
struct HostileTests {
  private static let pieces = [
    "a", "cam-1", "7", "é", "日本", "\"", "\\", "'", "\u{1b}[2J", "\u{202e}", "\n", "{x}", "}", "{", "]", "[[source]]",
    "=", " ", "", "$", "tele", "SENSOR", "stats", "frigate", "onvif-ej", "event", "status", "value", "👩‍👩‍👧", "\u{7f}",
    "\u{e000}", "x\u{301}", "spBv1.0", "homie", "$state", "~1", "%", "#x", "0", "v1",
  ]
  private static let payloads = [
    "1", "-3,5 dBm", "ON", "online", "", "{", #"{"a":1}"#,
    #"{"a\"b":1,"c\\":"x","é\u001b":2,"":3,"x{y}":[{"q=,":1},{"q=,":2}]}"#,
    #"{"ts":1795320000,"fps":5,"state":"online"}"#, #"[{"n":"x","v":1}]"#, #"{"cameras":{"a":{}},"service":{"x":1}}"#,
    #"{"topic":"a","timestamp":1,"message":{"data":{"s":"1"}}}"#, "m,t=v f=1 1795320000000000000", "<vs>", "null", "[]",
  ]

  @Test("whatever the topics and payloads, the proposal is read without a fault", arguments: 0..<60)
  func alwaysReadable(_ seed: Int) throws {
    var dice = Dice(state: UInt64(seed))
    var survey = Survey()
    for turn in 0..<120 {
      var topic = ""
      for level in 0..<Int.random(in: 1...5, using: &dice) {
        if level > 0 { topic += "/" }
        topic += HostileTests.pieces.randomElement(using: &dice) ?? ""
        if Bool.random(using: &dice) { topic += HostileTests.pieces.randomElement(using: &dice) ?? "" }
      }
      let payload = HostileTests.payloads.randomElement(using: &dice) ?? ""
      for _ in 0..<2 { survey.hear(topic, payload, after: Double(turn)) }
    }
    // Every source by itself, before any is left out.
    var planner = try Planner(survey, own: OwnProfiles(profiles)) { _ in true }
    planner.planFormats()
    planner.planRest(unread: [])
    planner.settle(taken: [])
    let text = "[gateway]\nid = \"x\"\n\n" + planner.sources.map(\.text).joined(separator: "\n")
    let settings = try GatewaySettings.parse(
      text: text, file: "proposal", knownFormats: Decoder.formats, profiles: profiles)
    #expect(settings.sources.count == planner.sources.count)
    _ = try Decoder(sources: settings.sources, timezone: "UTC", registry: Registry())
    // Nothing that a terminal acts upon.
    #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x7f || $0 == "\u{202e}" })
    _ = try discover(survey)
  }

  @Test("no two proposed sources fight for a topic: each is read by the first that takes it")
  func order() throws {
    var survey = Survey()
    for number in 1...4 {
      survey.hearThrice("a/n-\(number)/x", "1")
      survey.hearThrice("a/n-\(number)/y", #"{"v":1}"#)
      survey.hearThrice("onvif/s\(number)/c\(number)/status", "online")
      survey.hearThrice(
        "onvif/s\(number)/c\(number)/onvif-ej/VideoSource/MotionAlarm/&1", #"{"Data":{"State":true}}"#)
    }
    let found = try discover(survey)
    for (place, topic) in survey.topics.enumerated() {
      let first = found.sources.first { $0.pattern?.match(topic.topic) != nil }
      #expect(first?.topics.contains(place) ?? false)
    }
    #expect(found.trial.topics.allSatisfy { $0.result == .decoded })
  }

  @Test("texts are written so that they read back as they were")
  func strings() throws {
    for text in ["plain", "a\"b\\c", "\u{1b}[31m", "日本\u{202e}x", "\u{10ffff}\u{e001}", "tab\tnew\nline"] {
      let document =
        "[gateway]\nid = \"x\"\n[[source]]\nname = \"n\"\nformat = \"scalar\"\ntopic = \(TOMLText.string(text))\n"
      let settings = try GatewaySettings.parse(text: document, file: "x", knownFormats: ["scalar"])
      #expect(settings.sources.first?.topic.description == text)
    }
  }

  @Test("what is shown has no control characters and is short")
  func printable() {
    #expect(Printable.text("a\u{1b}[2Jb", limit: 20) == "a\\u{1b}[2Jb")
    #expect(Printable.text(String(repeating: "x", count: 50), limit: 10) == "xxxxxxxxxx…")
  }
}
