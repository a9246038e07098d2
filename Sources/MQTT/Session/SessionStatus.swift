/// How a session stands. Counts run from the session's start.
public struct SessionStatus: Sendable, Equatable {
  public enum State: String, Sendable {
    /// Resolving, opening the socket, asking the broker to accept.
    case connecting
    case connected
    /// Before the next try, or for the outcome of a commit that hangs.
    case waiting
    /// The store is full: nothing is read, the broker keeps what comes.
    case paused
    case stopped
  }

  public struct Since: Sendable, Equatable {
    /// Nanoseconds on the monotonic clock.
    public var monotonic: Int64
    /// Seconds since 1970, as the wall clock had it.
    public var wall: Int64
  }

  public struct RefusedSubscription: Sendable, Equatable {
    public var filter: String
    public var reason: String
  }

  public var state = State.connecting
  /// When the state was entered.
  public var since = Since(monotonic: 0, wall: 0)
  /// Of the present connection or try.
  public var protocolVersion = ProtocolVersion.v5
  /// Whether the broker still had our session at the last connect; nil before the first.
  public var sessionPresent: Bool?
  /// Whether the broker answered every subscription on the present connection. Under a session that it kept, messages
  /// come before that, too.
  public var isSubscribed = false
  /// Why the last connection ended, or the last try failed; nil once a connection is accepted again.
  public var lastError: MQTTError?

  /// Messages read, redelivered and oversized ones included.
  public var received: Int64 = 0
  /// Messages of which a part was replaced by what `redact` gave, since the start.
  public var redacted: Int64 = 0
  /// Of those received, at QoS 0: outside every promise.
  public var receivedAtQoS0: Int64 = 0
  /// Recognised as committed before: acknowledged, not stored again.
  public var redelivered: Int64 = 0
  /// Larger than `maxPayload`: acknowledged, stored nowhere.
  public var oversized: Int64 = 0
  /// Messages thrown away unacknowledged because a connection broke or a commit failed; they come again.
  public var discarded: Int64 = 0
  /// Connections accepted after the first.
  public var reconnects: Int64 = 0
  public var commits: Int64 = 0
  public var failedCommits: Int64 = 0
  /// As the broker answered to the latest subscriptions.
  public var refusedSubscriptions: [RefusedSubscription] = []
  /// Messages that the broker says it dropped, for any client, since it started: only an indication. Nil where it
  /// doesn't tell.
  public var brokerDropped: Int64?

  public init() {}
}

/// What is worth a line in a log. Sent on the session's thread; the receiver must not block.
public enum SessionEvent: Sendable, Equatable {
  case connected(ProtocolVersion, sessionPresent: Bool)
  /// An accepted connection was lost.
  case disconnected(MQTTError)
  /// A try failed; the next comes after so many milliseconds.
  case connectFailed(MQTTError, retryAfter: Int)
  /// The broker refused MQTT 5; 3.1.1 is tried.
  case fellBack(ProtocolVersion)
  case commitFailed(MQTTError)
  /// A commit hangs: the connection was closed, and none is made before it ends.
  case commitOverdue
  case paused
  case resumed
  case subscriptionRefused(filter: String, reason: String)
  /// The first message over `maxPayload` on a connection; the others are only counted.
  case oversized(topic: String, bytes: Int)
  /// The broker's count of dropped messages grew.
  case brokerDropped(Int64)
  case stopped
}
