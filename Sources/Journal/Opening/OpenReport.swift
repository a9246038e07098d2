/// What opening the journal found and did.
public struct OpenReport: Sendable, Equatable {
  public enum Outcome: Sendable, Equatable {
    /// There was none: a new one was made.
    case created
    /// It was whole.
    case opened
    /// The end of its log was damaged; the segments behind the damage were put back, where they could be read.
    case repaired
    /// It was damaged or foreign and was set aside; a new one holds what could be read of it.
    case salvaged
  }

  public var outcome: Outcome
  /// What was wrong, for people.
  public var reason: String?
  /// Where the damaged file is now. One is kept, the newest: flash that keeps failing must not fill itself.
  public var setAside: String?
  public var salvagedSegments = 0
  public var salvagedMessages = 0
  /// Ids between the oldest and the newest salvaged segment that are not there any more, at most 100 ranges. Newer
  /// ones may be lost beside them.
  public var gaps: [ClosedRange<Int64>] = []
  /// Whether the journal is still the one that it was. Where not, cursors into the old one mean nothing.
  public var keptUUID = true

  /// Whether all of its structure was looked at. Where not, only the newest part was, so that the start does not take
  /// longer with every message: `JournalExamination` looks at the rest.
  public var isExamined = true

  static let maximumGaps = 100

  init(outcome: Outcome, reason: String? = nil) {
    self.outcome = outcome
    self.reason = reason
  }
}
