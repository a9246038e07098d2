import Decoding
import Settings
import Telemetry

/// What a configuration makes of all samples of a survey, with the decoder that the gateway uses.
public struct Trial: Sendable {
  public enum Result: Int, Sendable, Comparable {
    /// No source takes the topic.
    case unrouted
    /// There was no sample: nothing is known.
    case silent
    case refused
    /// Recognised, and nothing to take.
    case ignored
    case decoded

    public static func < (a: Result, b: Result) -> Bool { a.rawValue < b.rawValue }
  }

  /// The best that came of one topic's samples.
  public struct Topic: Sendable {
    public internal(set) var result: Result
    public internal(set) var source: String?
    /// Why its latest refused sample was.
    public internal(set) var fault: String?
    /// Whether none of its samples could be read, and there were several.
    var isUnread = false
    /// Whether its source's profile says nothing of such topics.
    var isForeign = false
  }

  public struct Found: Sendable {
    public let name: String
    public let deviceClass: DeviceClass
    public let site: String?
    public let source: String
    public let format: String
    /// Of all topics by which it was heard.
    public internal(set) var messages = 0
    public internal(set) var live = 0
    /// The latest reading; a number where there is one.
    public internal(set) var sample: Observation
  }

  /// As in the survey.
  public private(set) var topics: [Topic] = []
  /// Sorted by name.
  public private(set) var devices: [Found] = []

  public init(_ settings: GatewaySettings, _ survey: Survey) throws(DecoderSetupFault) {
    let decoder = try Decoder(sources: settings.sources, timezone: settings.timezone, registry: Registry())
    var found: [Int: Found] = [:]
    var heardBy: [Int: Set<Int>] = [:]
    topics = survey.topics.map { topic in
      let source = settings.sources.first { $0.topic.match(topic.topic) != nil }
      let isForeign =
        source?.format.hasPrefix("profile:") ?? false
        && !(source?.profile?.messages.contains { $0.topic.match(topic.topic) != nil } ?? true)
      return Topic(result: source == nil ? .unrouted : .silent, source: source?.name, isForeign: isForeign)
    }
    let formats = Dictionary(settings.sources.map { ($0.name, $0.format) }, uniquingKeysWith: { first, _ in first })
    var refused = [Int](repeating: 0, count: topics.count)
    // In the order of receipt: births come before what refers to them.
    let order = survey.topics.enumerated().flatMap { place, topic in topic.samples.map { (place, $0) } }
      .sorted { $0.1.receivedAt < $1.1.receivedAt }
    for (place, sample) in order where topics[place].result != .unrouted {
      var observations: [Observation] = []
      let reception = Reception(receivedAt: sample.receivedAt, retained: sample.retained)
      let outcome = Array(survey.topics[place].topic.utf8).withUnsafeBytes { topic in
        sample.payload.withUnsafeBytes { decoder.decode(topic: topic, payload: $0, reception, into: &observations) }
      }
      if case .refused(let fault) = outcome {
        refused[place] += 1
        topics[place].fault = "\(fault)"
      }
      topics[place].result = max(topics[place].result, Trial.result(outcome))
      let source = topics[place].source ?? ""
      for observation in observations {
        let device = observation.series.device
        if found[device.index] == nil {
          found[device.index] = Found(
            name: device.name, deviceClass: device.deviceClass, site: device.site, source: source,
            format: formats[source] ?? "", sample: observation)
        }
        if found[device.index].map({ Trial.isBetter(observation, than: $0.sample) }) ?? false {
          found[device.index]?.sample = observation
        }
        heardBy[device.index, default: []].insert(place)
      }
    }
    for place in topics.indices {
      let samples = survey.topics[place].samples.count
      topics[place].isUnread = samples > 1 && refused[place] == samples
    }
    for (device, places) in heardBy {
      for place in places {
        found[device]?.messages += survey.topics[place].messages
        found[device]?.live += survey.topics[place].live
      }
    }
    devices = found.values.sorted { $0.name < $1.name }
  }

  public func count(_ result: Result) -> Int { topics.count { $0.result == result } }

  private static func result(_ outcome: Decoder.Outcome) -> Result {
    switch outcome {
    case .decoded, .partial: .decoded
    case .ignored: .ignored
    case .unrouted: .unrouted
    case .refused: .refused
    }
  }

  /// Numbers tell more than states, and these more than events; those with a unit most.
  private static func isBetter(_ a: Observation, than b: Observation) -> Bool { weight(a) >= weight(b) }

  private static func weight(_ observation: Observation) -> Int {
    switch observation.value {
    case .event: 0
    case .state: 1
    case .number: observation.series.unit == "1" || observation.series.metric == "system.uptime" ? 2 : 3
    }
  }
}
