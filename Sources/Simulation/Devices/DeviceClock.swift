import Telemetry

/// A device's own clock, as wrong as some are.
enum DeviceClock: Sendable {
  case right
  /// No battery and no time server: it counts from 1970.
  case since1970
  /// Set by hand, `Span` too far.
  case ahead(Span)

  /// 7 hours: Jakarta's local time, taken for UTC. So far beyond the 5 minutes up to which a gateway believes a device
  /// that no delay on the way makes such a time plausible.
  static let wrong: [DeviceClock] = [.since1970, .ahead(.hours(7))]

  var isWrong: Bool { if case .right = self { false } else { true } }

  func read(_ moment: Moment, uptime: Uptime) -> Timestamp {
    switch self {
    case .right: moment.time
    case .since1970: Timestamp(nanoseconds: 0) + uptime.span(at: moment)
    case .ahead(let span): moment.time + span
    }
  }
}

/// Since when a device runs.
struct Uptime: Sendable {
  /// Relative to the simulation's start; negative where it was up before.
  private var boot: Span

  /// Up to 30 days already.
  init(random: inout SeededRandom) { boot = Span(nanoseconds: -Int64(random.between(600e9, 2_592_000e9))) }

  mutating func restart(at moment: Moment) { boot = moment.at }

  func span(at moment: Moment) -> Span { Span(nanoseconds: moment.at.nanoseconds - boot.nanoseconds) }
  func seconds(at moment: Moment) -> Int64 { span(at: moment).nanoseconds / 1_000_000_000 }
}
