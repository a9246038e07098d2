import Telemetry

/// When something was read, and who says so.
struct Moment {
  let time: Timestamp
  let source: Observation.TimeSource

  /// 2020-01-01T00:00:00Z: no device of these formats was made that early; what says so has lost its clock.
  static let earliest = Timestamp(nanoseconds: 1_577_836_800_000_000_000)
  /// How far a device's clock may be ahead of ours.
  static let ahead = Span.minutes(5)

  /// The time that the payload bears, where it is plausible, else the time of receipt.
  init(_ claimed: Timestamp?, _ reception: Reception) {
    if let claimed, claimed >= Moment.earliest,
      !reception.clockTrusted || claimed <= reception.receivedAt + Moment.ahead
    {
      time = claimed
      source = .payload
    } else {
      time = reception.receivedAt
      source = .received
    }
  }
}
