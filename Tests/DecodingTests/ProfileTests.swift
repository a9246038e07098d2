import Glibc
import Settings
import Telemetry
import Testing

@testable import Decoding

/// The shipped profiles, executed.
@Suite(.serialized) struct ProfileTests {
  static let shelf = ProfileShelf(folders: [Files.root + "/Config/profiles"])

  static func bench(_ name: String) throws -> Bench {
    let profile = try #require(try shelf.profile(named: name), "\(name)")
    return try Bench(
      SourceDefinition(name: "s", topic: try TopicPattern("#"), format: "profile:\(name)", profile: profile))
  }

  private func check(_ path: String) throws -> Set<String> {
    let text = String(decoding: try #require(Files.read(path)), as: UTF8.self)
    var benches: [String: Bench] = [:]
    for step in Transcript(text).steps {
      let bench = try benches[step.profile] ?? ProfileTests.bench(step.profile)
      benches[step.profile] = bench
      #expect(
        Transcript.run(step, on: bench, file: Files.sample) == step.expected, "\(step.profile): \(step.topic)")
    }
    return Set(benches.keys)
  }

  @Test("every profile decodes the fixtures as its document says")
  func fixtures() throws {
    let tried = try check(Files.fixtures + "/profiles.txt")
    #expect(tried == Set(ProfileTests.shelf.names))
  }

  @Test(
    "published payloads decode as their formats' documents say",
    .enabled(if: Files.haveSamples, "the published payloads are not beside the repository"))
  func published() throws { _ = try check(Files.fixtures + "/published.txt") }

  @Test("raw optical power of every vendor is the same light")
  func opticalPower() throws {
    for (name, raw) in [
      ("huawei-onu", "-2345"), ("huawei-olt", "7655"), ("zte-onu", "3275"), ("zte-olt", "-23450"),
    ] {
      let bench = try ProfileTests.bench(name)
      #expect(
        bench.lines("snmp2mqtt/10.1.1.1/onu-7/value", raw) == [
          "10.1.1.1/onu-7 optical.input-power = -23.45 dBm gauge"
        ])
    }
    let cdata = try ProfileTests.bench("cdata")
    guard case .number(let power)? = cdata.decode("snmp2mqtt/10.1.1.1/onu-7/value", "45").first?.value else {
      Issue.record("no number")
      return
    }
    #expect(abs(power - -23.4678748622) < 1e-9)
  }

  @Test("each leaf of a payload is taken, used or left out with a reason")
  func leaves() throws {
    let text = String(decoding: try #require(Files.read(Files.fixtures + "/profiles.txt")), as: UTF8.self)
    for step in Transcript(text).steps where step.payload.hasPrefix("{") || step.payload.hasPrefix("[") {
      let bench = try ProfileTests.bench(step.profile)
      let explanation = Array(step.topic.utf8).withUnsafeBytes { topic in
        Array(step.payload.utf8).withUnsafeBytes { payload in
          bench.decoder.explain(topic: topic, payload: payload, bench.reception)
        }
      }
      guard explanation.hasLeaves, !explanation.readings.isEmpty else { continue }
      // The heartbeat and events are said by the message, not by one value of it.
      let isSaid = step.payload.contains("videoloss")
      #expect(explanation.readings.allSatisfy { $0.observation.value.isEvent || $0.path != nil || isSaid })
      let named = explanation.readings.compactMap(\.path) + (explanation.used + explanation.leftOut).map(\.path)
      #expect(!named.isEmpty)
      #expect(explanation.leftOut.allSatisfy { !$0.reason.isEmpty })
    }
  }
}

extension Observation.Value {
  fileprivate var isEvent: Bool { if case .event = self { true } else { false } }
}
