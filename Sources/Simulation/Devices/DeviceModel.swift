import Telemetry

/// When a device is asked.
struct Moment: Sendable {
  /// Since the start of the simulation.
  let at: Span
  /// The true time.
  let time: Timestamp
  /// Factor on all intervals: below 1 where the district speaks faster than it would by itself.
  let pace: Double

  /// `seconds` of the district's own time.
  func delay(_ seconds: Double) -> Span { Span(nanoseconds: Int64(seconds * 1e9 * pace)) }
}

/// A message as its device makes it, before anything happens to it on the way.
struct Draft: Sendable {
  enum Nature: Sendable {
    /// A reading that says when it was taken.
    case dated
    /// A reading that doesn't.
    case undated
    /// What a device says of itself: never mangled on the way.
    case state
  }

  let topic: String
  var payload: [UInt8]
  let nature: Nature
  var isRetained = false
  var delay = Span.zero
  var kind = Irregularity.regular
  /// The devices that this is a reading of; `nil` where it is one of its sender's alone.
  var devices: [String]?
  /// The time that the payload bears, as precisely as it does.
  var time: Timestamp?

  static func announcement(_ topic: String, _ text: String, retained: Bool = true) -> Draft {
    Draft(topic: topic, payload: Array(text.utf8), nature: .state, isRetained: retained, kind: .announcement)
  }

  static func undated(_ topic: String, _ text: String) -> Draft {
    Draft(topic: topic, payload: Array(text.utf8), nature: .undated)
  }
}

/// A kind of report that a device repeats.
struct ReportStream: Sendable {
  let interval: Span
  /// How far a single interval may be off, as a share of it.
  var jitter = 0.02
  /// How many messages one report is on average, for reckoning the district's rate.
  var messages = 1.0
}

/// What a device of one maker says, in the maker's own words. Stream 0 is its heartbeat.
protocol DeviceModel: Sendable {
  var name: String { get }
  var streams: [ReportStream] { get }
  /// Whether it keeps what it can't send, and sends it when its link is back.
  var keepsReadings: Bool { get }
  var hasWrongClock: Bool { get }

  /// What it says on connecting, first of all its will's opposite.
  mutating func connect(at moment: Moment, random: inout SeededRandom, drafts: inout [Draft])
  mutating func report(_ stream: Int, at moment: Moment, random: inout SeededRandom, drafts: inout [Draft])
  /// Power was lost: uptime and counters begin at 0.
  mutating func restart(at moment: Moment)
  /// What the broker publishes for it when it is gone.
  func will() -> [Draft]
}

extension DeviceModel {
  var keepsReadings: Bool { false }
  var hasWrongClock: Bool { false }
}
