import Telemetry

/// When an empty segment must be written because nothing arrives: windows seal, holds end and silence is noticed only
/// when a segment passes.
struct SegmentPacer: Sendable {
  let windowLength: Span
  let grace: Span
  /// The longest that time may stand still for the alarm rules.
  let quiet: Span
  private var lastWall: Timestamp?
  private var lastMonotonic = Span.zero

  /// - Parameter shortestWait: the shortest hold or silence of any alarm rule.
  init(windowLength: Span, grace: Span, shortestWait: Span?) {
    self.windowLength = windowLength
    self.grace = grace
    // A third of the wait keeps the error of noticing below it; under a second it would wear the flash, and past half
    // a minute nothing is saved.
    let third = Span(nanoseconds: (shortestWait ?? .minutes(10)).nanoseconds / 3)
    quiet = min(max(third, .seconds(1)), .seconds(30))
  }

  mutating func wrote(at wall: Timestamp, monotonic: Span) {
    lastWall = wall
    lastMonotonic = monotonic
  }

  /// With this one's lengths, from where the other one was.
  func goingOn(from other: SegmentPacer) -> SegmentPacer {
    var pacer = self
    pacer.lastWall = other.lastWall
    pacer.lastMonotonic = other.lastMonotonic
    return pacer
  }

  /// The monotonic time at which a segment is due; `nil` before the first one.
  var due: Span? {
    guard let lastWall else { return nil }
    // The end of the window whose grace was not over when the last segment was written.
    let boundary = (lastWall - grace).floored(to: windowLength) + windowLength + grace
    let untilBoundary = boundary - lastWall
    return Span(nanoseconds: lastMonotonic.nanoseconds + min(untilBoundary, quiet).nanoseconds)
  }
}
