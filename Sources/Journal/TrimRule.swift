import Telemetry

/// Which segments may be deleted.
public struct TrimRule: Sendable, Equatable {
  /// Only segments with a lower id. The newest one always stays.
  public var before: Int64
  /// Only segments committed before this time, by their own wall clock.
  public var olderThan: Timestamp?
  /// Judges age only by segments whose wall clock was synchronised: another one is as old as the first synchronised
  /// one after it. Without it, a box that starts in 1970 would expire what it takes in.
  public var synchronisedOnly: Bool
  /// At most so many at once: deleting takes part in the commit, and must be short.
  public var limit: Int

  public init(before: Int64, olderThan: Timestamp? = nil, synchronisedOnly: Bool = false, limit: Int) {
    self.before = before
    self.olderThan = olderThan
    self.synchronisedOnly = synchronisedOnly
    self.limit = limit
  }
}

/// Decides, segment by segment from the oldest on, how far a trim goes.
struct TrimWalk {
  struct Segment {
    var id: Int64
    var wall: Timestamp
    var synchronised: Bool
  }

  enum Next: Equatable { case goOn, stop }

  private let rule: TrimRule
  /// Segments seen since `last` whose age only a later one can tell.
  private(set) var waiting = 0
  private(set) var lastSeen: Int64 = 0
  /// The last segment that may go; with it, all before it.
  private(set) var last: Int64?
  private(set) var count = 0

  init(_ rule: TrimRule) { self.rule = rule }

  mutating func take(_ segment: Segment) -> Next {
    guard segment.id < rule.before else { return .stop }
    waiting += 1
    lastSeen = segment.id
    if let olderThan = rule.olderThan {
      if rule.synchronisedOnly, !segment.synchronised { return .goOn }
      guard segment.wall < olderThan else {
        waiting = 0
        return .stop
      }
    }
    release()
    return .goOn
  }

  /// Decides about those still waiting, once it is known when the first synchronised segment after them was committed.
  mutating func settle(nextSynchronisedWall: Timestamp) {
    guard waiting > 0, let olderThan = rule.olderThan, nextSynchronisedWall < olderThan else { return }
    release()
  }

  private mutating func release() {
    last = lastSeen
    count += waiting
    waiting = 0
  }
}
