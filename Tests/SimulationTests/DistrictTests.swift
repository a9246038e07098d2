import Telemetry
import Testing

@testable import Simulation

@Suite("A district")
struct DistrictTests {
  @Test("says the same bytes in the same order for the same seed")
  func isReproducible() {
    #expect(plan(6000, rate: 500) == plan(6000, rate: 500))
  }

  @Test("is another one with another seed")
  func dependsOnSeed() {
    #expect(plan(500, seed: 1).map(\.payload) != plan(500, seed: 2).map(\.payload))
  }

  @Test("takes the times in its payloads from the start that it is given")
  func timesFollowStart() throws {
    let early = plan(2000, scenario: flawless()).filter { $0.topic.hasSuffix("/telemetry") }
    let later = plan(2000, scenario: flawless(), start: start + .hours(1)).filter { $0.topic.hasSuffix("/telemetry") }
    for (a, b) in zip(early, later) {
      let (first, second) = (try #require(a.number("ts")), try #require(b.number("ts")))
      #expect(second - first == 3_600_000)
      #expect(first == (start + a.at).milliseconds)
    }
  }

  @Test("is in time order, numbered from 1 without holes")
  func isOrdered() {
    let messages = plan(10_000, rate: 2000)
    #expect(messages.map(\.number) == Array(1...10_000))
    #expect(zip(messages, messages.dropFirst()).allSatisfy { $0.at <= $1.at })
  }

  @Test("gives no topic to two devices")
  func topicsBelongToOneDevice() {
    var owners: [String: String] = [:]
    for message in plan(20_000, rate: 1000) {
      #expect(owners.updateValue(message.device, forKey: message.topic) ?? message.device == message.device)
    }
    #expect(owners.count > 500)
  }

  @Test("hears from every device")
  func everyDeviceSpeaks() {
    let district = District(seed: 3, scenario: flawless(), start: start)
    let names = Set(district.deviceNames)
    #expect(names.count == district.deviceNames.count)
    // 90 cameras of their own, 10 or 11 Frigate boxes for 30 more, 12 videotrons with 12 meters, 30 fiber nodes.
    #expect((154...155).contains(names.count))
    #expect(Set(plan(6000, seed: 3, scenario: flawless()).map(\.device)) == names)
  }

  @Test("speaks at the rate that is asked for", arguments: [5.0, 300, 20_000])
  func keepsRate(rate: Double) throws {
    // Silences have their own test.
    var scenario = Scenario()
    scenario.dropoutsPerHour = 0
    let district = District(seed: 5, scenario: scenario, start: start, rate: rate)
    // After the announcements of all devices.
    let messages = Array(district.dropFirst(2000).prefix(8000))
    let seconds = try #require(messages.last).at.seconds - messages[0].at.seconds
    #expect(abs(8000 / seconds / rate - 1) < 0.08)
  }

  @Test("keeps its mixture when it is scaled", arguments: [1, 10, 162, 5000])
  func scales(count: Int) {
    let scaled = Scenario().scaled(to: count)
    #expect(scaled.devices == count)
    #expect(scaled.schools >= 1)
    #expect(abs(Double(scaled.cameras) - Double(count) * 120 / 162) <= 1)
  }

  @Test("makes each report of a plain camera unlike all others of that camera")
  func reportsAreDistinct() {
    let messages = plan(30_000, rate: 20_000).filter { $0.topic.hasSuffix("/telemetry") }
    let firsts = messages.filter { $0.kind != .duplicate && $0.kind != .rubbish }
    #expect(firsts.count > 5000)
    #expect(Set(firsts.map { $0.device + $0.text }).count == firsts.count)
    let numbers = firsts.map { "\($0.device) \($0.number("n") ?? -1)" }
    #expect(Set(numbers).count == firsts.count)
  }

  @Test("makes a plain camera's report of 130 to 190 bytes")
  func reportsHaveTheSizeOfReal() {
    let sizes = plan(3000, scenario: flawless()).filter { $0.topic.hasSuffix("/telemetry") }.map(\.payload.count)
    #expect(sizes.allSatisfy { (130...190).contains($0) })
  }
}
