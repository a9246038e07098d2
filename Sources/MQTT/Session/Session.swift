import Threads

/// A durable session with a broker: reads what it sends, gives it to a sink, and acknowledges only what the sink has
/// made durable. Reconnects for ever, by itself.
///
/// Has one thread of its own, which makes every call to libmosquitto and to the sink. All methods may be called from
/// any thread.
public final class Session: Sendable {
  private let mailbox: SessionMailbox
  /// Touched by the caller before `start`, and by the session's thread afterwards.
  private nonisolated(unsafe) let loop: SessionLoop

  /// - Parameter events: called on the session's thread; must not block.
  public init(
    configuration: SessionConfiguration, sink: any MessageSink, events: @escaping @Sendable (SessionEvent) -> Void
  ) {
    mailbox = SessionMailbox()
    loop = SessionLoop(configuration: configuration, sink: sink, mailbox: mailbox, events: events)
  }

  deinit {
    // Nobody is left to ask for an orderly end: the messages that wait come again.
    _ = mailbox.stop(by: Monotonic.now())
  }

  /// A message that an earlier process committed, so that it isn't stored twice where the broker never saw its
  /// acknowledgement. Oldest first, at most the latest 65,535 of QoS 1, all before `start`.
  public func remember(packetID: UInt16, topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
    guard packetID != 0 else { return }
    loop.redelivery.remember(packetID: packetID, digest: RedeliveryRun.digest(topic: topic, payload: payload))
  }

  /// Starts the session's thread; a second call, or one after `stop`, does nothing. Where the system has no thread
  /// left, the session is stopped and its status holds the error.
  public func start() {
    guard mailbox.markStarted() else { return }
    // It goes over to its thread here.
    nonisolated(unsafe) let loop = loop
    do throws(ThreadError) {
      _ = try BlockingThread("mqtt-session") { loop.run() }
    } catch {
      mailbox.startFailed(
        MQTTError(
          kind: .system, operation: "starting the thread \(error.name)", reason: error.reason,
          cure: "raise the limit of threads (systemd: TasksMax=) or of memory"))
    }
  }

  /// Wakes the loop, so that it asks the sink again.
  public func poke() { mailbox.wakeUp.signal() }

  /// Subscribes what is new and unsubscribes what is gone, without dropping the session. Where a new filter overlaps
  /// one that is gone, a message published in that moment may come twice: better than not at all.
  public func setFilters(_ filters: [String]) { mailbox.setFilters(filters) }

  /// Publishes a request to a device, QoS 0 and not retained: for what is asked again where nothing comes of it. While
  /// there is no connection, and where too many wait, it is dropped.
  public func request(topic: String, payload: [UInt8]) {
    mailbox.request(SessionMailbox.Request(topic: topic, payload: payload))
  }

  /// Stops reading, commits, lets the acknowledgements out and takes leave of the broker, which keeps the session.
  /// Returns when that is done or the time is over, whatever hangs.
  public func stop(within milliseconds: Int) {
    let bounded = Int64(max(0, min(milliseconds, 3_600_000)))
    guard mailbox.stop(by: Monotonic.now() + bounded * 1_000_000) else { return }
    // A thread that hangs in the network or in the sink is left behind.
    _ = mailbox.finished.wait(milliseconds: Int(bounded) + 100)
  }

  public var status: SessionStatus { mailbox.status }

  /// Beats with each round of the session's thread: at least once a second, but while a broker's name is looked up.
  public var heartbeat: Heartbeat { mailbox.heartbeat }
}
