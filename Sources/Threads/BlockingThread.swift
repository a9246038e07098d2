import Glibc
import Telemetry

/// A plain thread for work that blocks in a C library, so that the cooperative pool never does.
///
/// Signals are blocked on it: they are the main thread's business.
public final class BlockingThread: Sendable {
  private final class Body {
    let name: String
    let run: @Sendable () -> Void
    init(_ name: String, _ run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }

  private let ended = Bell()

  /// Starts at once. `name` shows in `ps -T` and `top -H`; the kernel keeps 15 characters.
  ///
  /// - Throws: `ThreadError` where the system has no room for another thread.
  public init(_ name: String, _ body: @escaping @Sendable () -> Void) throws(ThreadError) {
    let ended = ended
    let context = Unmanaged.passRetained(
      Body(name) {
        body()
        ended.ring()
      })
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
        BlockingThread.name(body.name)
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        body.run()
        return nil
      }, context.toOpaque())
    guard code == 0 else {
      context.release()
      throw ThreadError(name: name, reason: String(cString: strerror(code)))
    }
  }

  /// Through /proc, since Swift's Glibc leaves `pthread_setname_np` out. A name is a help only: no error matters.
  private static func name(_ name: String) {
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = write(descriptor, name, min(name.utf8.count, 15))
    close(descriptor)
  }

  /// Blocks until the body has returned, at most so long. Returns whether it has.
  @discardableResult
  public func join(within timeout: Span) -> Bool { ended.wait(past: 0, timeout: timeout) > 0 }
}

/// The system refused a thread.
public struct ThreadError: Error, Sendable, CustomStringConvertible {
  public let name: String
  public let reason: String

  public var description: String {
    "starting the thread \(name): \(reason); raise the limit of threads (systemd: TasksMax=) or of memory"
  }
}
