import Telemetry
import Testing

@testable import Discovery

@Suite("What is kept of the traffic")
struct SurveyTests {
  @Test("a million messages on a million topics take no more than the limits")
  func bounded() {
    var survey = Survey(limits: Survey.Limits(topics: 100, totalBytes: 10_000))
    let payload = [UInt8](repeating: UInt8(ascii: "a"), count: 200)
    for number in 0..<1_000_000 { survey.take(topic: "t/\(number)", payload: payload, at: noon) }
    #expect(survey.topics.count == 100)
    #expect(survey.messages == 1_000_000)
    #expect(survey.beyond == 999_900)
    #expect(survey.topics.reduce(0) { $0 + $1.samples.reduce(0) { $0 + $1.payload.count } } <= 10_000)
    #expect(survey.unkept == 50)
  }

  @Test("of one topic the first payloads and the latest are kept")
  func samples() {
    var survey = Survey()
    for number in 0..<1000 { survey.hear("a/b", "\(number)", after: Double(number)) }
    let kept = survey.topics[0].samples.map(\.text)
    #expect(kept.count == 4)
    #expect(kept.prefix(2) == ["0", "1"])
    #expect(Set(kept.suffix(2)) == ["998", "999"])
    #expect(survey.topics[0].messages == 1000)
  }

  @Test("images are counted and never kept")
  func images() {
    var survey = Survey()
    survey.take(topic: "cam/snapshot", payload: [0xff, 0xd8, 0xff, 0xe0, 0, 16], at: noon)
    survey.take(topic: "cam/large", payload: [UInt8](repeating: 65, count: 200_000), at: noon)
    survey.hear("cam/base64", String(repeating: "QUJD", count: 100))
    #expect(survey.topics.map(\.samples.count) == [0, 0, 0])
    #expect(survey.topics.map(\.binary) == [1, 0, 1])
    #expect(survey.topics[1].oversized == 1)
  }

  @Test("topics that are too deep, too long or no UTF-8 are counted and not looked at")
  func unusableTopics() {
    var survey = Survey()
    survey.hear(String(repeating: "a/", count: 100), "1")
    survey.hear(String(repeating: "a", count: 600), "1")
    [0xc3, 0x28].withUnsafeBytes { topic in
      survey.take(topic: topic, payload: UnsafeRawBufferPointer(start: nil, count: 0), retained: false, at: noon)
    }
    survey.hear("fine", "1")
    #expect(survey.topics.map(\.topic) == ["fine"])
    #expect(survey.unusable == 3)
  }

  @Test("retained messages say nothing of how often a device reports")
  func retained() {
    var survey = Survey()
    survey.hear("a/status", "online", after: 0, retained: true)
    survey.hear("a/status", "offline", after: 7)
    #expect(survey.topics[0].gaps.isEmpty)
    #expect(survey.topics[0].live == 1)
    survey.hear("a/status", "online", after: 37)
    #expect(survey.topics[0].gaps == [30_000_000_000])
  }
}
