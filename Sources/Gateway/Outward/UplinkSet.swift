import Outbox
import Settings
import Synchronization
import Systemd
import Telemetry
import Threads
import Uplinks

/// The uplinks that are in force. A reload changes them while the others go on. Safe from any thread; `change` and
/// `stop` may block for as long as a request takes to be broken off.
final class UplinkSet: Sendable {
  /// What is broken off is sent again, under the same key; libcurl looks about once a second.
  private static let stopTime = Span.seconds(3)

  private let outbox: Outbox
  private let make: @Sendable (UplinkDefinition) throws -> Uplink
  private let uplinks = Mutex<[Uplink]>([])

  init(outbox: Outbox, make: @escaping @Sendable (UplinkDefinition) throws -> Uplink) {
    self.outbox = outbox
    self.make = make
  }

  static func destinations(of settings: GatewaySettings) -> [Outbox.Destination] {
    settings.uplinks.map {
      Outbox.Destination(
        name: $0.name, optional: $0.optional, compression: $0.compression, filter: $0.filter, start: $0.start)
    }
  }

  var all: [Uplink] { uplinks.withLock(\.self) }

  /// One for each connection.
  var stations: [Liveness.Station] {
    all.flatMap { uplink in
      uplink.heartbeats.enumerated().map { index, heartbeat in
        Liveness.Station(
          "uplink \(uplink.definition.name)\(index == 0 ? " (alarms)" : "")", progress: heartbeat.count,
          hasWork: !heartbeat.isResting)
      }
    }
  }

  /// Makes them, for an outbox that was opened with their destinations.
  func prepare(_ settings: GatewaySettings) throws {
    let made = try settings.uplinks.map(make)
    uplinks.withLock { $0 = made }
  }

  /// Those that run already don't notice.
  func start() { all.forEach { $0.start() } }

  /// - Parameter keepingSame: an uplink whose definition is the same goes on with what it has, and doesn't notice.
  /// - Throws: before anything is changed where a definition can't work.
  func change(to settings: GatewaySettings, keepingSame: Bool) throws {
    let old = all
    let next = try settings.uplinks.map { definition in
      try old.first { keepingSame && $0.definition == definition } ?? make(definition)
    }
    let leaving = old.filter { uplink in !next.contains { $0 === uplink } }
    for uplink in leaving { uplink.stop(within: UplinkSet.stopTime) }
    do {
      try outbox.setDestinations(UplinkSet.destinations(of: settings))
    } catch {
      // A full disk, say: all is to be as it was, and one that was stopped stays so.
      let again = try old.map { uplink in try leaving.contains { $0 === uplink } ? make(uplink.definition) : uplink }
      uplinks.withLock { $0 = again }
      start()
      throw error
    }
    uplinks.withLock { $0 = next }
    start()
  }

  /// Returns once all have ended, or the time is over for each.
  func stop(within time: Span) { all.forEach { $0.stop(within: time) } }
}
