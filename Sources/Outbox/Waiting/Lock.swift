import Glibc

/// A mutual exclusion that may be held across blocking I/O.
///
/// Not `Mutex`: what it guards hands out references inside closures, which region checking can't follow.
final class Lock: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  init() {
    mutex = .allocate(capacity: 1)
    var attributes = pthread_mutexattr_t()
    pthread_mutexattr_init(&attributes)
    // Taking it twice on one thread is a fault of the program that should be seen at once, not hang.
    pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ERRORCHECK))
    pthread_mutex_init(mutex, &attributes)
    pthread_mutexattr_destroy(&attributes)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func withLock<T>(_ body: () throws -> T) rethrows -> T {
    let code = pthread_mutex_lock(mutex)
    precondition(code == 0, "the outbox was called from inside one of its own transactions")
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }
}
