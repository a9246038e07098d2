import Glibc

/// Starts a plain thread, detached: the cooperative pool must never block in a C library.
enum WorkerThread {
  private final class Body {
    let run: () -> Void
    let name: String
    init(_ name: String, _ run: @escaping () -> Void) {
      self.name = name
      self.run = run
    }
  }

  /// What `top -H` shows; the C call for it isn't visible to Swift.
  private static func setName(_ name: String) {
    guard let file = fopen("/proc/thread-self/comm", "w") else { return }
    fputs(name, file)
    fclose(file)
  }

  /// `body` keeps alive what it captures until it returns. What it captures is the thread's alone.
  static func start(_ name: String, _ body: @escaping () -> Void) throws(MQTTError) {
    let context = Unmanaged.passRetained(Body(name, body))
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
        WorkerThread.setName(body.name)
        // Signals are the main thread's business.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        body.run()
        return nil
      }, context.toOpaque())
    guard code == 0 else {
      context.release()
      throw MQTTError(
        kind: .system, operation: "starting the thread \(name)", reason: String(cString: strerror(code)),
        cure: "raise the limit of threads (TasksMax) or of memory")
    }
  }
}
