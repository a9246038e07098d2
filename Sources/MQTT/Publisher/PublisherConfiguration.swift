/// What a publisher needs to know.
public struct PublisherConfiguration: Sendable {
  /// What the broker publishes for us when our connection ends without a farewell.
  public struct Will: Sendable {
    public var topic: String
    public var payload: [UInt8]
    public var qos: UInt8
    public var retain: Bool

    public init(topic: String, payload: [UInt8], qos: UInt8 = 1, retain: Bool = false) {
      self.topic = topic
      self.payload = payload
      self.qos = qos
      self.retain = retain
    }
  }

  public var address: BrokerAddress
  /// Other nodes of the same cluster, of the same scheme, tried in turn where a connection fails. What is outstanding
  /// goes along.
  public var alternatives: [BrokerAddress] = []
  /// Asks the broker to keep the session while we are away, and under it what we listen to.
  public var keepsSession = false
  /// Topics to listen to, at QoS 1.
  public var listensTo: [String] = []
  public var username: String?
  /// Asked before each try to connect.
  public var password: @Sendable () throws -> String?
  public var caFile: String?
  public var certFile: String?
  public var keyFile: String?
  public var clientID: String
  /// Seconds, 5 to 65535. The owner must call the publisher more often than that.
  public var keepalive: Int
  /// The most messages that wait for their acknowledgement, 1 to 20,000. The library's work for each acknowledgement
  /// grows with them, and a broker seldom takes more than its own window at once.
  public var maxOutstanding: Int
  public var will: Will?

  public init(
    address: BrokerAddress, username: String? = nil, password: @escaping @Sendable () throws -> String? = { nil },
    caFile: String? = nil, certFile: String? = nil, keyFile: String? = nil, clientID: String, keepalive: Int = 60,
    maxOutstanding: Int = 256, will: Will? = nil
  ) {
    self.address = address
    self.username = username
    self.password = password
    self.caFile = caFile
    self.certFile = certFile
    self.keyFile = keyFile
    self.clientID = clientID
    self.keepalive = keepalive
    self.maxOutstanding = max(1, min(maxOutstanding, 20_000))
    self.will = will
  }
}
