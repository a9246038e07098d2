import Glibc
import Outbox
import Telemetry

/// A thread of its own for work that blocks in libcurl or SQLite.
final class WorkerThread: Sendable {
  private final class Work {
    let name: String
    let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  private let ended = WorkBell()

  /// Starts at once; `nil` where the system has no room for another thread. The kernel keeps 15 characters of `name`.
  init?(_ name: String, _ body: @escaping @Sendable () -> Void) {
    let ended = ended
    let work = Work(String(name.prefix(15))) {
      body()
      ended.ring(1)
    }
    let handle = Unmanaged.passRetained(work)
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
        // Signals are the main thread's business.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        WorkerThread.name(work.name)
        work.body()
        return nil
      }, handle.toOpaque())
    guard code == 0 else {
      handle.release()
      return nil
    }
    pthread_detach(thread)
  }

  /// Through /proc, since Swift's Glibc leaves `pthread_setname_np` out. A name is a help only: no error matters.
  private static func name(_ name: String) {
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = write(descriptor, name, name.utf8.count)
    close(descriptor)
  }

  /// Waits for its end; false where the time is over first.
  func join(within timeout: Span) -> Bool {
    ended.wait(1, past: 0, timeout: timeout) > 0
  }
}

/// The clocks of the system.
enum Clock {
  /// Since some fixed point; never steps.
  static var monotonic: Span {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Span(nanoseconds: Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec))
  }

  static var wall: Timestamp {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Timestamp(nanoseconds: Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec))
  }
}
