import Outbox
import Synchronization
import Telemetry
import Threads

/// Sends an outbox's batches to one server, over HTTP.
///
/// Two threads, each with a connection of its own: alarms have one for themselves, so that nothing is ever in front of
/// them; summary, status and backfill share the other, in that order. Batches are sent one at a time on each and marked
/// delivered in groups; what was sent and not yet marked when the power goes is sent again under the same key.
public final class HTTPUplink: Sendable {
  private let shared: UplinkShared
  private let threads = Mutex<[BlockingThread]>([])

  /// - Parameters:
  ///   - outbox: Opened with a destination of the definition's name.
  ///   - gateway: Seeds the jitter, so that gateways that lost the same server don't return in step.
  ///   - token: The bearer token, `nil` for none. Asked again every half minute and after a failure, on the uplink's
  ///     threads, so that it can be changed in place; where it throws, nothing is sent.
  ///   - log: Called from the uplink's threads, only where something changes.
  /// - Throws: `UplinkError` where the definition can't work.
  public convenience init(
    definition: UplinkDefinition, outbox: Outbox, gateway: String, token: @escaping @Sendable () throws -> String?,
    log: @escaping @Sendable (Level, String) -> Void
  ) throws(UplinkError) {
    try self.init(
      definition: definition, outbox: outbox, gateway: gateway, policy: RetryPolicy(), token: token, log: log)
  }

  public init(
    definition: UplinkDefinition, outbox: Outbox, gateway: String, policy: RetryPolicy,
    token: @escaping @Sendable () throws -> String?, log: @escaping @Sendable (Level, String) -> Void
  ) throws(UplinkError) {
    guard definition.transport == .http else {
      throw UplinkError(
        code: .unsupportedTransport, uplink: definition.name,
        message: "type = \"\(definition.transport.rawValue)\" can't be used yet", hint: "use type = \"http\"")
    }
    guard let address = Address(definition.url) else {
      throw UplinkError(
        code: .invalidURL, uplink: definition.name, message: "its url is no http or https address",
        hint: "write it like https://central.example.go.id")
    }
    shared = UplinkShared(
      definition: definition, address: address, outbox: outbox, gateway: gateway, policy: policy, token: token,
      log: log)
  }

  /// Starts the threads. A second call does nothing.
  public func start() {
    threads.withLock { threads in
      guard threads.isEmpty, !shared.isStopping else { return }
      for (index, lanes) in UplinkShared.lanes.enumerated() {
        let shared = shared
        let name = (index == 0 ? "alarm:" : "up:") + shared.definition.name
        do {
          threads.append(try BlockingThread(name) { Courier(shared, index: index, lanes: lanes)?.run() })
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

  public var status: Status { shared.status(at: SystemClock.monotonic) }
}
