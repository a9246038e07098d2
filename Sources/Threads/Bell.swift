import Glibc
import Telemetry

/// Lets threads sleep until something happened. It counts, so that nothing that rings between looking and waiting is
/// missed. For threads that may block; safe from any.
///
/// Eight kinds of happening, one bit each; whoever needs no more than one leaves the bits alone.
public final class Bell: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var counts = [UInt64](repeating: 0, count: 8)
  private var listeners: [(bits: UInt8, body: @Sendable () -> Void)] = []

  public init() {
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // The wall clock of a box without a battery leaps.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  public func ring(_ bits: UInt8 = 1) {
    pthread_mutex_lock(mutex)
    for bit in 0..<8 where bits & 1 << bit != 0 { counts[bit] += 1 }
    pthread_cond_broadcast(condition)
    let called = listeners
    pthread_mutex_unlock(mutex)
    for listener in called where listener.bits & bits != 0 { listener.body() }
  }

  /// Has `body` called, on the thread that rings, whenever any of `bits` does; it must return at once.
  public func onRing(_ bits: UInt8 = 1, _ body: @escaping @Sendable () -> Void) {
    pthread_mutex_lock(mutex)
    listeners.append((bits, body))
    pthread_mutex_unlock(mutex)
  }

  /// How often any of `bits` rang.
  public func count(_ bits: UInt8 = 1) -> UInt64 {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return sum(bits)
  }

  /// Blocks until the count of `bits` differs from `past`, or the time is over; returns the count.
  @discardableResult
  public func wait(_ bits: UInt8 = 1, past: UInt64, timeout: Span) -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    // A day at most: whoever waits so long looks again anyway, and the sum can't overflow.
    let nanoseconds = now.tv_nsec + Int(max(0, min(timeout.nanoseconds, Span.hours(24).nanoseconds)))
    var deadline = timespec(tv_sec: now.tv_sec + nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while sum(bits) == past {
      if pthread_cond_timedwait(condition, mutex, &deadline) != 0 { break }
    }
    return sum(bits)
  }

  private func sum(_ bits: UInt8) -> UInt64 {
    var total: UInt64 = 0
    for bit in 0..<8 where bits & 1 << bit != 0 { total += counts[bit] }
    return total
  }
}
