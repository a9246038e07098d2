import Outbox
import Telemetry

/// What a batch is to the limits, the most urgent first.
enum Urgency: Int, Sendable, Comparable, CaseIterable {
  /// Always goes.
  case alarm
  /// Sealed since the link is well.
  case live
  /// Sealed while the link was down.
  case backlog
  /// Raw messages that someone asked for.
  case backfill

  static func < (a: Urgency, b: Urgency) -> Bool { a.rawValue < b.rawValue }
}
