import Synchronization

/// Shows that a thread goes on. It beats with each piece of work; others look whether the count has grown. Safe from any
/// thread.
public final class Heartbeat: Sendable {
  private let beats = Atomic<UInt64>(0)

  public init() {}

  public func beat() { beats.wrappingAdd(1, ordering: .relaxed) }

  public var count: UInt64 { beats.load(ordering: .relaxed) }
}
