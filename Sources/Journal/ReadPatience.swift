/// When a segment that the disk refuses to give is given up.
///
/// A refused read says nothing about the segment: a file system that has gone away, a cable, a controller may come back,
/// and what is passed over is lost. A sector that is worn out refuses for ever, and all that came later must not wait
/// for it. A value; its owner tells it the time.
struct ReadPatience {
  /// So long one and the same segment is asked for. Longer than a controller takes to begin anew.
  static let limit = Duration.seconds(60)

  private var waiting: (id: Int64, since: ContinuousClock.Instant)?

  /// - Returns: whether this segment has been refused for long enough.
  mutating func refused(_ id: Int64, at now: ContinuousClock.Instant) -> Bool {
    if let waiting, waiting.id == id { return now - waiting.since >= ReadPatience.limit }
    waiting = (id, now)
    return false
  }

  mutating func given(_ id: Int64) {
    if waiting?.id == id { waiting = nil }
  }
}
