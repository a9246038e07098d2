import Telemetry
import Testing

@testable import Simulation

/// The seeds are fixed, so these can't flake; the bounds are wide enough for any seed all the same.
@Suite("An irregularity")
struct IrregularityTests {
  private static let sample = plan(80_000, seed: 11, rate: 5000)

  private func share(_ kind: Irregularity, of isCandidate: (PlannedMessage) -> Bool) -> Double {
    let candidates = IrregularityTests.sample.filter(isCandidate)
    return Double(candidates.count { $0.kind == kind }) / Double(candidates.count)
  }

  private func isReading(_ message: PlannedMessage) -> Bool {
    message.kind != .announcement && message.kind != .offline && !message.retained
  }

  private func isPlainCamera(_ message: PlannedMessage) -> Bool { message.topic.hasSuffix("/telemetry") }

  @Test("by duplication befalls its share of readings, and repeats one byte for byte")
  func duplicates() {
    #expect((0.008...0.012).contains(share(.duplicate, of: isReading)))
    var seen: Set<String> = []
    for message in IrregularityTests.sample {
      if message.kind == .duplicate { #expect(seen.contains(message.topic + message.text)) }
      seen.insert(message.topic + message.text)
    }
  }

  @Test("by rubbish befalls its share of readings")
  func rubbish() {
    #expect((0.0038...0.0064).contains(share(.rubbish, of: isReading)))
  }

  @Test("by rubbish is of every sort")
  func sortsOfRubbish() {
    let payloads = IrregularityTests.sample.filter { $0.kind == .rubbish }.map(\.payload)
    #expect(payloads.contains { $0.isEmpty })
    #expect(payloads.contains { $0.starts(with: [0xff, 0xd8, 0xff]) })
    #expect(payloads.contains { $0.first == 0xff && !$0.starts(with: [0xff, 0xd8]) })
    #expect(payloads.contains { $0.first == UInt8(ascii: "{") && !JSONCheck.isValid($0) })
    #expect(payloads.contains { JSONCheck.isValid($0) })
  }

  @Test("by order befalls its share of dated readings, and lets a later one overtake")
  func outOfOrder() throws {
    #expect((0.006...0.014).contains(share(.outOfOrder, of: isPlainCamera)))
    var latest: [String: Int64] = [:]
    var overtaken = 0
    var all = 0
    for message in IrregularityTests.sample where isPlainCamera(message) && message.kind != .rubbish {
      let number = try #require(message.number("n"))
      if message.kind == .outOfOrder {
        all += 1
        if latest[message.device, default: 0] > number { overtaken += 1 }
      }
      latest[message.device] = max(latest[message.device, default: 0], number)
    }
    // Where the next report is lost to an outage or to rubbish, nothing overtakes.
    #expect(Double(overtaken) > 0.9 * Double(all))
  }

  @Test("by lateness befalls outages times six readings, in order and with their own times")
  func late() throws {
    // An outage in 250 reports, which keeps 3 to 10 of them.
    #expect((0.014...0.04).contains(share(.late, of: isPlainCamera)))
    var previous: [String: (number: Int64, at: Span)] = [:]
    for message in IrregularityTests.sample where isPlainCamera(message) && message.kind == .late {
      let number = try #require(message.number("n"))
      if let last = previous[message.device], last.at == message.at { #expect(number > last.number) }
      previous[message.device] = (number, message.at)
      let time = try #require(message.number("ts"))
      // Of the right clocks, those from 1970 apart.
      if time > 1_700_000_000_000, time < (start + message.at).milliseconds + 60_000 {
        #expect(time < (start + message.at).milliseconds)
      }
    }
  }

  @Test("by restart befalls its share of reports, and begins uptime and frames again")
  func reboots() throws {
    #expect((0.0003...0.002).contains(share(.reboot, of: isPlainCamera)))
    for message in IrregularityTests.sample where isPlainCamera(message) && message.kind == .reboot {
      #expect(message.number("uptime") == 0)
      #expect(message.number("frames") == 0)
    }
  }

  @Test("of a clock befalls its share of devices: from 1970, or seven hours ahead")
  func wrongClocks() throws {
    var scenario = flawless()
    scenario.wrongClocks = 0.1
    let messages = plan(8000, scenario: scenario).filter(isPlainCamera)
    let wrong = Dictionary(grouping: messages.filter { $0.kind == .wrongClock }, by: \.device)
    // 72 plain cameras.
    #expect((7...8).contains(wrong.count))
    var from1970 = 0
    for (_, readings) in wrong {
      let offsets = try readings.map { try #require($0.number("ts")) - (start + $0.at).milliseconds }
      #expect(Set(offsets).count == 1 || offsets.allSatisfy { $0 < -1_000_000_000_000 })
      if offsets[0] == 25_200_000 { continue }
      #expect(try #require(readings[0].number("ts")) < 31 * 86_400_000)
      from1970 += 1
    }
    #expect((3...4).contains(from1970))
  }

  @Test("by drift befalls its share of devices: light falls below −27 dBm, and frames below nine tenths")
  func drift() throws {
    var scenario = flawless()
    scenario.drifting = 0.2
    let messages = plan(8000, scenario: scenario)
    let weak = messages.filter { $0.kind == .drift && $0.topic.hasSuffix("/optical") }
    let nodes = Set(messages.filter { $0.kind == .drift && $0.text.contains("dBm") }.map(\.device))
      .union(weak.map(\.device))
    #expect(nodes.count == 6)
    let powers = weak.compactMap { message in
      message.text.firstMatch(of: /input_power_instant=(-\d+\.\d+)/).flatMap { Double($0.output.1) }
    }
    #expect(try #require(powers.min()) < -26.5)
    #expect(messages.contains { $0.topic.hasSuffix("/battery") && (Int($0.text) ?? 100) < 10 })
    let slow = messages.filter { isPlainCamera($0) && $0.kind == .drift }
    #expect((14...15).contains(Set(slow.map(\.device)).count))
    #expect(slow.contains { ($0.number("fps") ?? 25) < 10 })
  }

  @Test(
    "by silence lasts minutes at any rate, comes so often an hour, and is told by the will", arguments: [2.4, 24])
  func dropouts(rate: Double) throws {
    var scenario = flawless()
    scenario.cameras = 72
    (scenario.frigateShare, scenario.onvifShare, scenario.videotrons, scenario.fiberNodes) = (0, 0, 0, 0)
    scenario.dropoutsPerHour = 1
    let messages = Array(
      District(seed: 4, scenario: scenario, start: start, rate: rate).prefix { $0.at < .hours(1) })
    let cameras = messages.filter { $0.topic.hasPrefix("school/") }
    let offline = cameras.filter { $0.kind == .offline }
    #expect(offline.allSatisfy { $0.retained && $0.text == "offline" && $0.topic.hasSuffix("/status") })
    // 72 plain cameras for an hour, a twelfth of it away.
    #expect((45...95).contains(offline.count))
    for will in offline.prefix(20) {
      let after = try #require(
        cameras.first { $0.device == will.device && $0.number > will.number } ?? messages.last)
      guard after.device == will.device else { continue }
      #expect(after.kind == .announcement && after.text == "online")
      #expect((after.at - will.at) > .minutes(1) && (after.at - will.at) < .minutes(10))
    }
  }

  @Test("of 32-bit counters befalls its share of nodes: they wrap within ten minutes")
  func wraps() {
    let messages = plan(16_000, scenario: flawless()).filter { $0.topic.hasSuffix("/interface") }
    let narrow = messages.filter { $0.text.contains(" ifInOctets=") }
    #expect(Set(narrow.map(\.device)).count == 9)
    var last: [String: UInt64] = [:]
    var wraps = 0
    for message in narrow {
      guard let text = message.text.firstMatch(of: /ifInOctets=(\d+)i/)?.output.1, let value = UInt64(text) else {
        continue
      }
      #expect(value <= UInt64(UInt32.max))
      if let before = last[message.device], value < before { wraps += 1 }
      last[message.device] = value
    }
    #expect(wraps >= 9)
  }
}

private func - (a: Span, b: Span) -> Span { Span(nanoseconds: a.nanoseconds - b.nanoseconds) }
