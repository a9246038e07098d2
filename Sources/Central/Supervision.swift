import ServiceLifecycle
import Systemd
import Telemetry

/// Tells systemd how the receiver is: ready once it listens, alive as long as both threads of the store do their work,
/// stopping in order.
struct Supervision: Service {
  /// So often is a status shown where no watchdog waits.
  private static let idleInterval = Span.seconds(60)

  let notifier: Notifier
  let store: SQLiteCentralStore
  /// What `systemctl status` shows.
  let status: String

  func run() async {
    guard notifier.isConnected else {
      try? await gracefulShutdown()
      return
    }
    await withGracefulShutdownHandler {
      // A quarter, so that one late answer does no harm.
      let interval = notifier.watchdogInterval.map { Span(nanoseconds: $0.nanoseconds / 4) } ?? Supervision.idleInterval
      while true {
        do {
          try await cancelWhenGracefulShutdown { try await Task.sleep(for: .nanoseconds(interval.nanoseconds)) }
        } catch {
          return
        }
        // A thread that hangs never answers, and the watchdog bites.
        if await store.isAnswering() { notifier.send(.watchdog + .status(status)) }
      }
    } onGracefulShutdown: {
      notifier.send(.stopping + .status("finishing the requests that are under way"))
    }
  }
}
