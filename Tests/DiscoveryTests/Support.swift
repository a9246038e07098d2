import Settings
import Telemetry

@testable import Discovery

/// The product's own profiles.
let profiles: ProfileShelf = {
  var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
  parts.removeLast(3)
  return ProfileShelf(folders: [parts.joined(separator: "/") + "/Config/profiles"])
}()

let noon = Timestamp(milliseconds: 1_795_320_000_000)

extension Survey {
  /// A message so many seconds after noon.
  mutating func hear(_ topic: String, _ payload: String, after seconds: Double = 0, retained: Bool = false) {
    take(
      topic: topic, payload: Array(payload.utf8), retained: retained,
      at: noon + Span(nanoseconds: Int64(seconds * 1e9)))
  }

  /// The same payload on a topic three times, so many seconds apart.
  mutating func hearThrice(_ topic: String, _ payload: String, every seconds: Double = 30) {
    for turn in 0..<3 { hear(topic, payload, after: Double(turn) * seconds) }
  }
}

func discover(_ survey: Survey, present: GatewaySettings? = nil) throws -> Discovery {
  try Discovery(survey, present: present, profiles: profiles)
}

func discover(_ messages: [(String, String)]) throws -> Discovery {
  var survey = Survey()
  for turn in 0..<3 {
    for (topic, payload) in messages { survey.hear(topic, payload, after: Double(turn) * 30) }
  }
  return try discover(survey)
}
