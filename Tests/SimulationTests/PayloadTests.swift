import Telemetry
import Testing

@testable import Simulation

@Suite("A payload")
struct PayloadTests {
  private static func isJSONTopic(_ topic: String) -> Bool {
    topic.hasSuffix("/telemetry") || topic.contains("/onvif-") || topic.hasSuffix("/stats")
      || topic.hasSuffix("/events") || topic.hasSuffix("/SENSOR") || topic.hasSuffix("/STATE")
      || topic.hasSuffix("/fppd_status") || topic.hasSuffix("/port_status") || topic.hasSuffix("/playlist_details")
  }

  @Test("that should be JSON is JSON, whatever befell the device")
  func jsonIsValid() {
    let messages = plan(9000, rate: 800).filter {
      PayloadTests.isJSONTopic($0.topic) && $0.kind != .rubbish && $0.kind != .duplicate
    }
    #expect(messages.count > 4000)
    for message in messages where !JSONCheck.isValid(message.payload) {
      Issue.record("\(message.topic): \(message.text)")
    }
  }

  @Test("of Telegraf is lines of measurement, tags, fields and nanoseconds")
  func linesAreValid() throws {
    let messages = plan(4000, scenario: flawless()).filter { $0.topic.hasPrefix("telegraf/") }
    #expect(!messages.isEmpty)
    for message in messages {
      for line in message.text.split(separator: "\n") {
        let parts = line.split(separator: " ")
        try #require(parts.count == 3)
        #expect(parts[0].hasPrefix(message.topic.split(separator: "/")[2] + ","))
        #expect(parts[1].split(separator: ",").allSatisfy { $0.split(separator: "=").count == 2 })
        #expect(Int64(parts[2]) == (start + message.at).nanoseconds)
      }
    }
  }

  @Test("of a small sensor has a decimal comma, a unit, a switch or tokens")
  func scalars() {
    let messages = plan(8000, scenario: flawless()).filter { $0.topic.hasPrefix("odc/") }
    for message in messages {
      switch message.topic.split(separator: "/").last {
      case "temp": #expect(message.text.wholeMatch(of: /\d\d,\d/) != nil)
      case "rx": #expect(message.text.wholeMatch(of: /-\d\d\.\d\d dBm/) != nil)
      case "battery": #expect(message.text.wholeMatch(of: /\d+/) != nil)
      case "door": #expect(["ON", "OFF"].contains(message.text))
      case "ups": #expect(message.text.hasPrefix("O"))
      case "status": #expect(message.text == "online")
      default: Issue.record("\(message.topic)")
      }
    }
    #expect(Set(messages.compactMap { $0.topic.split(separator: "/").last }).count == 6)
  }

  @Test("of a power meter is in western Indonesian time")
  func metersTellLocalTime() throws {
    let message = try #require(
      plan(3000, scenario: flawless()).first { $0.topic.hasSuffix("/SENSOR") && $0.text.contains("Epoch") })
    let epoch = try #require(message.number("Epoch"))
    #expect(epoch == (start + message.at).nanoseconds / 1_000_000_000)
    let local = try #require(RFC3339.parts(message.text.dropFirst(9).prefix(19)))
    #expect(local.offset == nil)
    #expect(local.local == Timestamp(milliseconds: epoch * 1000) + .hours(7))
  }

  @Test("of a Frigate event tells one object from new to end")
  func eventsFollowOneObject() {
    var ends: [String: Int] = [:]
    var news = 0
    for message in plan(12_000, scenario: flawless()) where message.topic.hasSuffix("/events") {
      guard let id = message.text.firstMatch(of: /"id":"([^"]+)"/)?.output.1 else { continue }
      if message.text.hasPrefix(#"{"type":"new""#) { news += 1 }
      let ended = message.text.hasPrefix(#"{"type":"end""#)
      #expect(ended || message.text.contains(#""end_time":null"#))
      #expect(ends[String(id)] == nil)
      if ended { ends[String(id)] = 1 }
    }
    #expect(news > 100)
    // Those of the last seconds are still there.
    #expect((news - 30...news).contains(ends.count))
  }

  @Test("of a Falcon Player bears numbers as strings and an epoch time")
  func playersStatus() throws {
    let message = try #require(plan(2000, scenario: flawless()).first { $0.topic.hasSuffix("/fppd_status") })
    #expect(message.text.contains(#""count":"5""#))
    #expect(message.text.contains("WIB 2026"))
    #expect(message.number("currentTime") == (start + message.at).nanoseconds / 1_000_000_000)
  }
}
