import Telemetry

#if canImport(Glibc)
  import Glibc
#endif

/// How far a device's clock is from the gateway's trusted one: time of receipt less the payload's, message by message.
struct OffsetFigures: Sendable, Equatable {
  /// Messages whose times agree.
  private(set) var near = 0
  /// The others' differences, in seconds.
  private(set) var far = Sketch()

  /// What networks and commits take: less is no fault of a clock.
  static let tolerance = Span.seconds(10)
  /// A clock that is wrong is wrong by the same for all messages; a backlog isn't.
  private static let steadiness = 3.0
  /// Fewer say nothing of steadiness.
  private static let fewest = 3

  init() {}

  init(near: Int, far: Sketch) {
    self.near = near
    self.far = far
  }

  mutating func add(_ difference: Span) {
    if abs(difference.seconds) <= OffsetFigures.tolerance.seconds {
      near += 1
    } else {
      far.add(difference.seconds)
    }
  }

  mutating func merge(_ other: OffsetFigures) {
    near += other.near
    far.merge(other.far)
  }

  /// Seconds by which the device's clock is behind; `nil` where it is right, or wrong now this way, now that.
  var steady: Double? {
    guard far.count >= OffsetFigures.fewest, far.count >= 9 * near else { return nil }
    let spread = far.percentiles([10, 50, 90]).compactMap(\.self)
    guard spread.count == 3 else { return nil }
    // Past the few values that are kept exactly, a percentile is within 1 %.
    let allowed = max(OffsetFigures.steadiness, abs(spread[1]) * (far.sortedExact.isEmpty ? 0.02 : 0))
    guard spread[2] - spread[0] <= allowed else { return nil }
    return (spread[1] * 10).rounded() / 10
  }
}
