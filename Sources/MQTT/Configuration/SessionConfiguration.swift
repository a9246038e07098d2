/// What a session needs to know.
public struct SessionConfiguration: Sendable {
  public var address: BrokerAddress
  public var username: String?
  /// Asked before each try to connect, on the session's thread, so that a changed password file is found.
  public var password: @Sendable () throws -> String?
  /// The authority that signed the broker's certificate, PEM; the system's authorities where nil.
  public var caFile: String?
  /// Our own certificate and key, PEM; both or neither.
  public var certFile: String?
  public var keyFile: String?
  /// Names the session on the broker. Fixed for the life of a gateway, and used by no other client.
  public var clientID: String
  /// Subscribed at QoS 1. They must not overlap, or the broker may deliver a message once for each.
  public var filters: [String]
  /// Seconds, 5 to 65535.
  public var keepalive: Int
  /// Seconds that the broker keeps the session while we are away; 0xFFFFFFFF means for ever.
  public var sessionExpiry: UInt32
  /// How many unacknowledged messages the broker may send (MQTT 5).
  public var receiveMaximum: UInt16
  /// The longest that a message waits for its commit, in milliseconds.
  public var commitInterval: Int
  /// The most messages in one commit. Under TLS one record of 16 KiB may exceed it.
  public var commitMessages: Int
  /// The most bytes of topics and payloads in one commit.
  public var commitBytes: Int
  /// Seconds after which a commit that hasn't returned closes the connection.
  public var commitDeadline: Int
  /// Bytes. A message with a larger payload is stored nowhere, acknowledged and counted.
  public var maxPayload: Int
  /// What is kept of a message in its place, stored and compared; `nil` where it is kept as it is. Asked on the session's
  /// thread, for every message, and of the same mind about the same bytes on the same topic, or the message is not known
  /// when it comes again.
  public var redact: @Sendable (_ topic: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) -> Redacted? = {
    _, _ in nil
  }
  /// False only in a fault test's control: what the broker sends again is then stored, and counted, again.
  public var recognisesRedeliveries = true

  public init(
    address: BrokerAddress, username: String? = nil, password: @escaping @Sendable () throws -> String? = { nil },
    caFile: String? = nil, certFile: String? = nil, keyFile: String? = nil, clientID: String, filters: [String],
    keepalive: Int = 60, sessionExpiry: UInt32 = 0xFFFF_FFFF, receiveMaximum: UInt16 = 65_535,
    commitInterval: Int = 200, commitMessages: Int = 2000, commitBytes: Int = 4 * 1024 * 1024,
    commitDeadline: Int = 30, maxPayload: Int = 1024 * 1024
  ) {
    self.address = address
    self.username = username
    self.password = password
    self.caFile = caFile
    self.certFile = certFile
    self.keyFile = keyFile
    self.clientID = clientID
    self.filters = filters
    self.keepalive = keepalive
    self.sessionExpiry = sessionExpiry
    self.receiveMaximum = receiveMaximum
    self.commitInterval = commitInterval
    self.commitMessages = commitMessages
    self.commitBytes = commitBytes
    self.commitDeadline = commitDeadline
    self.maxPayload = maxPayload
  }

  /// What we let the broker send as one packet (MQTT 5). Above `maxPayload`, so that messages that are too large are
  /// seen and counted; bounded, because the library allocates what a packet announces.
  var maximumPacket: UInt32 { UInt32(clamping: max(16 * 1024 * 1024, maxPayload * 2)) }
}
