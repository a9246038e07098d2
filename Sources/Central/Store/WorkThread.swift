import Glibc
import Threads

/// A thread of its own for a resource that blocks: made on it, used on it alone, given up on it.
///
/// Jobs run one after another in the order in which they were handed in.
final class WorkThread<Resource>: @unchecked Sendable {
  private typealias Job = @Sendable (Result<Resource, any Error>) -> Void

  // Guarded by `mutex`; that, and `Resource` never leaving its thread, is what makes this Sendable.
  private var jobs: [Job] = []
  private var isStopping = false
  private var hasEnded = false
  private var waiters: [CheckedContinuation<Void, Never>] = []
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let open: @Sendable () throws -> Resource

  private init(_ open: @escaping @Sendable () throws -> Resource) {
    self.open = open
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(condition)
    mutex.deallocate()
    condition.deallocate()
  }

  /// Starts the thread and opens the resource on it.
  ///
  /// - Throws: what `open` throws; the thread has ended then.
  static func start(_ open: @escaping @Sendable () throws -> Resource) async throws -> WorkThread {
    let thread = WorkThread(open)
    // The closure keeps the object alive until the thread ends.
    do {
      _ = try BlockingThread("database") { thread.loop() }
    } catch {
      throw StoreError.failed("no thread for the database: \(error)")
    }
    do {
      try await thread.run { _ in }
    } catch {
      await thread.stop()
      throw error
    }
    return thread
  }

  /// Runs `body` on the thread and returns what it returns.
  func run<Value: Sendable>(_ body: @escaping @Sendable (Resource) throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let isTaken = enqueue { resource in
        continuation.resume(with: Result { try body(resource.get()) })
      }
      if !isTaken { continuation.resume(throwing: StoreError.closed) }
    }
  }

  /// Hands in a job without waiting for it; false where the thread is stopping.
  func submit(_ body: @escaping @Sendable (Resource) -> Void) -> Bool {
    enqueue { resource in
      if case .success(let resource) = resource { body(resource) }
    }
  }

  /// Lets the jobs that are waiting run, gives the resource up, and returns when the thread is done with it.
  func stop() async {
    await withCheckedContinuation { continuation in
      pthread_mutex_lock(mutex)
      isStopping = true
      let ended = hasEnded
      if !ended { waiters.append(continuation) }
      pthread_cond_signal(condition)
      pthread_mutex_unlock(mutex)
      if ended { continuation.resume() }
    }
  }

  private func enqueue(_ job: @escaping Job) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard !isStopping else { return false }
    jobs.append(job)
    pthread_cond_signal(condition)
    return true
  }

  private func loop() {
    serve()
    pthread_mutex_lock(mutex)
    hasEnded = true
    let waiting = waiters
    waiters = []
    pthread_mutex_unlock(mutex)
    for waiter in waiting { waiter.resume() }
  }

  /// The resource lives no longer than this call.
  private func serve() {
    let resource = Result { try open() }
    while true {
      pthread_mutex_lock(mutex)
      while jobs.isEmpty, !isStopping { pthread_cond_wait(condition, mutex) }
      let due = jobs
      jobs = []
      pthread_mutex_unlock(mutex)
      if due.isEmpty { return }
      for job in due { job(resource) }
    }
  }
}
