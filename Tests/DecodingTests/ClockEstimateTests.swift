import Telemetry
import Testing

@testable import Decoding

@Suite("Device clocks that are off by a constant")
struct ClockEstimateTests {
  private static let origin = Timestamp(milliseconds: 1_795_318_800_000)

  /// Seconds of receipt and by how much each differs; the corrections after each, in seconds.
  private func corrections(_ messages: [(at: Int64, difference: Double)]) -> [Double] {
    var estimate = ClockEstimate()
    return messages.map { message in
      let difference = Span(nanoseconds: Int64(message.difference * 1e9))
      _ = estimate.note(difference, at: Self.origin + .seconds(message.at))
      return estimate.correction.seconds
    }
  }

  @Test("are corrected after three messages that agree and are well apart, by the least delay")
  func constant() {
    #expect(
      corrections([(0, 3601), (30, 3600.4), (60, 3602), (90, 3601)]) == [0, 0, 3600.4, 3600.4])
  }

  @Test("messages in quick succession are one")
  func quick() {
    #expect(corrections((0..<50).map { (at: Int64($0) / 5, difference: 3600) }).allSatisfy { $0 == 0 })
  }

  @Test("a clock that is right, give or take the way, is left alone")
  func right() {
    #expect(corrections([(0, 1), (30, 9), (60, 0.2), (90, 8), (120, -4)]).allSatisfy { $0 == 0 })
  }

  @Test("a backlog is no wrong clock, at once or between messages of the present")
  func backlog() {
    #expect(corrections((0..<40).map { (at: Int64($0) * 30, difference: 36_000 - Double($0) * 60) }).last == 0)
    let mixed = (0..<40).map { (at: Int64($0) * 15, difference: $0 % 2 == 0 ? 1.0 : 3600.0) }
    #expect(corrections(mixed).allSatisfy { $0 == 0 })
  }

  @Test("once the clock is set, the correction ends; while few say so it stays")
  func set() {
    let wrong = [(0, 3600.0), (30, 3600), (60, 3600)].map { (at: Int64($0.0), difference: $0.1) }
    #expect(
      corrections(wrong + [(90, 1), (120, 3600), (750, 1), (780, 1), (810, 1), (840, 1)])
        == [0, 0, 3600, 3600, 3600, 3600, 3600, 0, 0])
  }

  @Test("reads back as it was kept")
  func kept() throws {
    var estimate = ClockEstimate()
    for second in [0, 30] as [Int64] { _ = estimate.note(.seconds(-7200), at: Self.origin + .seconds(second)) }
    #expect(try #require(ClockEstimate(encoded: estimate.encoded)) == estimate)
    _ = estimate.note(.seconds(-7200), at: Self.origin + .seconds(60))
    #expect(estimate.correction == .seconds(-7200))
    #expect(try #require(ClockEstimate(encoded: estimate.encoded)) == estimate)
    #expect(ClockEstimate(encoded: [1, 2, 3]) == nil)
  }

  // MARK: Messages

  private struct Box {
    let decoder: Decoder

    init(_ clock: ClockUse) throws {
      var source = SourceDefinition(name: "s", topic: try TopicPattern("a/{d}"), format: "json", clock: clock)
      source.device = Template("{d}")
      source.time = TimeMapping(path: "/ts", unit: .milliseconds)
      source.metrics = [MetricMapping(name: "g", path: "/g")]
      decoder = try Decoder(sources: [source], timezone: "UTC", registry: Registry())
    }

    /// The time of the reading of a device whose clock is an hour behind, in seconds after the origin.
    func read(_ second: Int64, trusted: Bool = true, behind: Int64 = 3600) -> Double? {
      var observations: [Observation] = []
      let received = ClockEstimateTests.origin + .seconds(second)
      let payload = Array("{\"ts\":\((received - .seconds(behind)).milliseconds),\"g\":1}".utf8)
      Array("a/b".utf8).withUnsafeBytes { topic in
        payload.withUnsafeBytes { bytes in
          _ = decoder.decode(
            topic: topic, payload: bytes,
            Reception(receivedAt: received, clockTrusted: trusted, sequence: second), into: &observations)
        }
      }
      return observations.first.map { ($0.time - ClockEstimateTests.origin).seconds }
    }
  }

  @Test("where the source says so, times are moved from the message after those that showed it")
  func moved() throws {
    let box = try Box(.correct)
    #expect([0, 30, 60, 90].map { box.read($0) } == [-3600, -3570, -3540, 90])
    // Read again, it is read as it was.
    #expect([60, 90].map { box.read($0) } == [-3540, 90])
    #expect(box.decoder.correction == .seconds(3600))
    let believing = try Box(.believe)
    #expect([0, 30, 60, 90].map { believing.read($0) } == [-3600, -3570, -3540, -3510])
  }

  @Test("a gateway whose own clock nobody vouches for judges nobody's")
  func untrusted() throws {
    let box = try Box(.correct)
    #expect([0, 30, 60, 90].map { box.read($0, trusted: false) }.last == -3510)
  }

  @Test("a later process knows what was known, and learns nothing from what it reads again")
  func restart() throws {
    let first = try Box(.correct)
    for second in [0, 30] as [Int64] { _ = first.read(second) }
    let second = try Box(.correct)
    second.decoder.restore(first.decoder.takeRemembered(), through: 30)
    #expect(second.read(30) == -3570)
    #expect([60, 90].map { second.read($0) } == [-3540, 90])
  }
}
