import Outbox
import Synchronization
import Telemetry
import Threads

/// Sends an outbox's batches to one destination.
///
/// Two threads, each with a connection of its own: alarms have one for themselves, so that nothing is ever in front of
/// them; what else there is shares the other, in the order of its urgency (see `LaneFeed`). What is delivered is marked
/// in groups; what was sent and not yet marked when the power goes is sent again under the same key.
public final class Uplink: Sendable {
  private let shared: UplinkShared
  private let connections: [Connection]
  private let threads = Mutex<[BlockingThread]>([])

  /// Runs one connection until the uplink is stopped, on its own thread.
  typealias Connection = @Sendable (_ shared: UplinkShared, _ index: Int) -> Void

  /// - Parameters:
  ///   - outbox: Opened with a destination of the definition's name.
  ///   - gateway: Names the gateway to brokers, and seeds the jitter, so that gateways that lost the same server don't
  ///     return in step.
  ///   - secret: The bearer token, or for MQTT the password; `nil` for none. Asked now and then and after a failure, on
  ///     the uplink's threads, so that it can be changed in place; where it throws, nothing is sent.
  ///   - calendar: What the gateway's own calendar says; for hours and monthly budgets.
  ///   - requests: Called with each request for raw messages, on the uplink's threads, where the definition allows them.
  ///   - log: Called from the uplink's threads, only where something changes.
  /// - Throws: `UplinkError` where the definition can't work.
  public init(
    definition: UplinkDefinition, outbox: Outbox, gateway: String, policy: RetryPolicy = RetryPolicy(),
    secret: @escaping @Sendable () throws -> String?,
    calendar: @escaping @Sendable () -> CalendarMoment = {
      CalendarMoment(wall: SystemClock.wall, offset: .zero, isTrusted: false)
    },
    requests: @escaping @Sendable (BackfillRequest) -> Void = { _ in },
    log: @escaping @Sendable (Level, String) -> Void
  ) throws(UplinkError) {
    let shown: String
    switch definition.transport {
    case .http, .influx:
      guard let address = Address(definition.url) else {
        throw UplinkError(
          code: .invalidURL, uplink: definition.name, message: "its url is no http or https address",
          hint: "write it like https://central.example.go.id")
      }
      let format: any HTTPFormat =
        definition.transport == .http
        ? BatchFormat(address: address) : InfluxFormat(address: address, gateway: gateway)
      shown = address.shown
      connections = UplinkShared.lanes.map { _ in
        { shared, index in Courier(shared, index: index, format: format)?.run() }
      }
    case .mqtt:
      let brokers = try MQTTCourier.brokers(of: definition)
      shown = ([definition.url] + definition.alternatives).joined(separator: ", ")
      connections = UplinkShared.lanes.map { _ in
        { shared, index in MQTTCourier(shared, index: index, brokers: brokers, gateway: gateway).run() }
      }
    }
    shared = UplinkShared(
      definition: definition, shownURL: shown, outbox: outbox, gateway: gateway, policy: policy, secret: secret,
      calendar: calendar, requests: requests, log: log)
  }

  /// Starts the threads. A second call does nothing.
  public func start() {
    threads.withLock { threads in
      guard threads.isEmpty, !shared.isStopping else { return }
      for (index, connection) in connections.enumerated() {
        let shared = shared
        let name = (index == 0 ? "alarm:" : "up:") + shared.definition.name
        do {
          threads.append(try BlockingThread(name) { connection(shared, index) })
        } catch {
          shared.log(.error, "uplink \(shared.definition.name): \(error)")
        }
      }
    }
  }

  /// Ends the threads; a request in flight is broken off (libcurl looks about once a second) and sent again after the
  /// next start. Returns whether all have ended in time. An uplink that was stopped stays so.
  @discardableResult
  public func stop(within time: Span) -> Bool {
    shared.stop()
    let deadline = SystemClock.monotonic.nanoseconds + time.nanoseconds
    return threads.withLock { $0 }.reduce(true) { hasEnded, thread in
      thread.join(within: Span(nanoseconds: max(0, deadline - SystemClock.monotonic.nanoseconds))) && hasEnded
    }
  }

  /// Of each thread; resting while there is nothing to send, or nothing may be sent yet.
  public var heartbeats: [Heartbeat] { shared.heartbeats }

  public var definition: UplinkDefinition { shared.definition }

  public var status: Status { shared.status(at: SystemClock.monotonic) }
}
