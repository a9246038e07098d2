import Synchronization

/// Shows that a thread goes on. It beats with each piece of work; others look whether the count has grown. Safe from any
/// thread.
public final class Heartbeat: Sendable {
  private let beats = Atomic<UInt64>(0)
  private let resting = Atomic(false)

  public init() {}

  public func beat() {
    resting.store(false, ordering: .relaxed)
    beats.wrappingAdd(1, ordering: .relaxed)
  }

  /// There is nothing to do: until the next beat, standing still is right.
  public func rest() { resting.store(true, ordering: .relaxed) }

  public var isResting: Bool { resting.load(ordering: .relaxed) }

  public var count: UInt64 { beats.load(ordering: .relaxed) }
}
