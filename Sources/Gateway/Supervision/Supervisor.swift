import Logging
import Synchronization
import Systemd
import Telemetry
import Threads

/// Tells systemd how the gateway fares, and feeds its watchdog only while every room goes on.
///
/// On a thread of its own: a room that hangs with a lock held may hold this one up too, and then the watchdog bites as
/// it should.
final class Supervisor: Sendable {
  /// How often `systemctl status` has a fresh line where no watchdog asks for more.
  private static let idleInterval = Span.seconds(10)

  /// Twice the longest sleep of any room, which is the journal's.
  private static let patience = Span.seconds(10)

  private let notifier: Notifier
  private let stations: @Sendable () -> [Liveness.Station]
  private let status: @Sendable () -> String
  private let logger: Logger
  private let bell = Bell()
  private let stopping = Atomic(false)

  init(
    notifier: Notifier, stations: @escaping @Sendable () -> [Liveness.Station],
    status: @escaping @Sendable () -> String, logger: Logger
  ) {
    self.notifier = notifier
    self.stations = stations
    self.status = status
    self.logger = logger
  }

  func stop() {
    stopping.store(true, ordering: .relaxed)
    bell.ring()
  }

  /// Runs until `stop`; returns at once where nobody listens.
  func run() {
    guard notifier.isConnected else { return }
    var liveness = notifier.watchdogInterval.map { Liveness(interval: $0, atLeast: Supervisor.patience) }
    // A quarter, so that one late turn does no harm.
    let interval = notifier.watchdogInterval.map { Span(nanoseconds: $0.nanoseconds / 4) } ?? Supervisor.idleInterval
    var isStarving = false
    while !stopping.load(ordering: .relaxed) {
      let mark = bell.count()
      switch liveness?.look(stations(), at: SystemClock.monotonic) {
      case nil: notifier.send(.status(status()))
      case .feed:
        isStarving = false
        notifier.send(.watchdog + .status(status()))
      case .starve(let names, let standing):
        let text = "\(names.joined(separator: ", ")) hangs for \(standing.nanoseconds / 1_000_000_000) s"
        if !isStarving { logger.critical("\(text); systemd will start the gateway anew") }
        isStarving = true
        notifier.send(.status(text))
      }
      bell.wait(past: mark, timeout: interval)
    }
  }
}
