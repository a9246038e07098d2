import Synchronization

/// Whether messages may be read: only while nobody who watches the store is against it. Safe from any thread.
final class IngestGate: Sendable {
  /// Who may close it.
  enum Keeper: UInt8, Sendable, CaseIterable {
    /// The store has reached its own limit.
    case quota = 1
    /// The disk is full.
    case disk = 2
    /// The journal can't be written for another reason: a read-only file system, an I/O error.
    case journal = 4
  }

  /// Closed by the quota until somebody has looked: a gateway that is cut off again and again must not outgrow it.
  private let closed = Atomic<UInt8>(Keeper.quota.rawValue)
  private let listener = Mutex<(@Sendable () -> Void)?>(nil)

  var isOpen: Bool { closed.load(ordering: .relaxed) == 0 }

  /// Whether this one keeps it closed.
  func isClosed(by keeper: Keeper) -> Bool { closed.load(ordering: .relaxed) & keeper.rawValue != 0 }

  /// Returns whether that was news.
  @discardableResult
  func set(_ isOpen: Bool, by keeper: Keeper) -> Bool {
    let old =
      isOpen
      ? closed.bitwiseAnd(~keeper.rawValue, ordering: .relaxed).oldValue
      : closed.bitwiseOr(keeper.rawValue, ordering: .relaxed).oldValue
    guard (old & keeper.rawValue == 0) != isOpen else { return false }
    listener.withLock(\.self)?()
    return true
  }

  /// Called after each change, on the thread that made it.
  func whenChanged(_ body: @escaping @Sendable () -> Void) { listener.withLock { $0 = body } }
}
