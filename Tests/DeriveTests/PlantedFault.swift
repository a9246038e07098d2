import Journal
import Telemetry

/// Faults that are put between the deriver and what it is compared with: a comparison that doesn't see them proves
/// nothing.
enum PlantedFault: String, CaseIterable {
  // In what the deriver is given.
  case messageTwice
  case messageLost
  case messageMoved
  case clockNeverVouched
  /// A process begins one segment behind the place that was reached.
  case segmentSkipped
  case labelsForgotten
  // In what is made of its records.
  case firstRevisions
  case voidsKept
  // In what is expected.
  case noCarry
  case noDuplicates
  case noResets
  case noGaps
  case noLateReadings
  case betterQuality
  case shorterLong
  case oneGroup
  case laterRetirement

  /// Only clocks that go wrong show it.
  var needsOddClocks: Bool {
    switch self {
    case .clockNeverVouched, .voidsKept, .betterQuality, .laterRetirement: true
    default: false
    }
  }

  /// What the deriver gets in place of the segment.
  func segment(_ segment: StreamSegment) -> StreamSegment {
    var segment = segment
    switch self {
    case .messageTwice: segment.messages += segment.messages.prefix(1)
    case .messageLost: segment.messages.removeFirst(min(1, segment.messages.count))
    case .messageMoved:
      if let time = segment.messages.first?.time { segment.messages[0].time = time + RandomStream.length }
    case .clockNeverVouched: segment.clock.synchronised = false
    default: break
    }
    return segment
  }

  func expect(_ rules: inout BruteForce.Rules) {
    rules.planted = self
    if self == .noLateReadings { rules.lateness = .seconds(3) }
    if self == .laterRetirement { rules.retirement.nanoseconds += RandomStream.length.nanoseconds }
  }
}
