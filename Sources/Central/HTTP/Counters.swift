import Synchronization

/// What the receiver counts of itself since it started; for `/metrics`.
public final class Counters: Sendable {
  struct Key: Hashable, Comparable {
    var route: String
    var status: Int

    static func < (a: Key, b: Key) -> Bool { (a.route, a.status) < (b.route, b.status) }
  }

  struct Values {
    /// Bounded: routes and statuses are ours, never the asker's words.
    var requests: [Key: Int] = [:]
    var applied = 0
    var duplicates = 0
    var conflicts = 0
  }

  private let values = Mutex(Values())

  public init() {}

  func count(_ route: String, _ status: Int) {
    values.withLock { $0.requests[Key(route: route, status: status), default: 0] += 1 }
  }

  func count(_ receipt: Receipt) {
    values.withLock {
      $0.applied += receipt.accepted
      $0.duplicates += receipt.duplicates
      $0.conflicts += receipt.conflicts
    }
  }

  func read() -> Values { values.withLock { $0 } }
}
