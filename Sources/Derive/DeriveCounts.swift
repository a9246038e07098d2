/// What was derived since the process started.
public struct DeriveCounts: Sendable {
  public var messages: Int64 = 0
  public var observations: Int64 = 0
  /// Could not be decoded at all.
  public var quarantined: Int64 = 0
  /// Decoded in part.
  public var partial: Int64 = 0
  /// Readings older than `lateness`, or of windows that are forgotten.
  public var tooLate: Int64 = 0
  /// Messages that no source takes.
  public var unrouted: Int64 = 0
  /// Recognised, with nothing in them to take.
  public var ignored: Int64 = 0
  /// Segments that could not be read back.
  public var damagedSegments: Int64 = 0
  /// Records of windows that were sealed for the first time.
  public var sealed: Int64 = 0
  public var revisions: Int64 = 0
  public var alarms: Int64 = 0
  /// How often each limit was hit by a message: `payload`, `nesting`, `fields`, `topics`, `series` …
  public var limitHits: [String: Int64] = [:]
  /// Messages that could not be understood, or not in full, without another birth of their edge node.
  public var rebirthsWanted: Int64 = 0

  public init() {}
}
