import Glibc

/// Lets threads sleep until something happened. It counts, so that nothing that rings between looking and waiting is
/// missed. For threads that may block; safe from any.
public final class Bell: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var rung: UInt64 = 0

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

  public func ring() {
    pthread_mutex_lock(mutex)
    rung += 1
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  /// How often it has rung.
  public var count: UInt64 {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return rung
  }

  /// Blocks until the count differs from `past`, or the time is over; returns the count.
  @discardableResult
  public func wait(past: UInt64, seconds: Double) -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    // A day at most: whoever waits so long looks again anyway, and the sum can't overflow.
    let nanoseconds = now.tv_nsec + Int(max(0, min(seconds, 86_400)) * 1e9)
    var deadline = timespec(tv_sec: now.tv_sec + nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while rung == past {
      if pthread_cond_timedwait(condition, mutex, &deadline) != 0 { break }
    }
    return rung
  }
}
