import Telemetry

/// How full the store is, and of what.
struct StoreUsage: Sendable, Equatable {
  var journalBytes: Int64
  var messages: Int64
  var outboxBytes: Int64
  /// What else lies in the store's folder: the outbox's log, the reserve.
  var otherBytes: Int64
  var oldestSegment: Int64
  var newestSegment: Int64
  /// Segments below this are derived.
  var derivedBefore: Int64
  /// Segments below this are derived, what came of them is delivered, and nothing holds them.
  var deliveredBefore: Int64
  /// Segments from this on are held, derived or not: late readings wait to be counted, and that takes a moment only.
  var heldFrom: Int64 = .max

  var bytes: Int64 { journalBytes + outboxBytes + otherBytes }

  /// About how many there are: ids leap after a damaged journal was salvaged, and then the messages tell more.
  private var segments: Int64 {
    let emptyOnes: Int64 = 1000
    return max(1, min(newestSegment - oldestSegment + 1, messages + emptyOnes))
  }

  /// What one segment takes on average; at least 1.
  var bytesPerSegment: Int64 { max(1, journalBytes / segments) }

  /// About what raw takes that is not derived yet. Never more than there is, however far ids leap.
  var underivedBytes: Int64 {
    max(0, min(newestSegment - max(derivedBefore, oldestSegment) + 1, segments)) * bytesPerSegment
  }
}
