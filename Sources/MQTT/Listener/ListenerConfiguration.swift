/// What a listener needs to know.
public struct ListenerConfiguration: Sendable {
  public var address: BrokerAddress
  public var username: String?
  /// Asked at each try to connect.
  public var password: @Sendable () throws -> String?
  public var caFile: String?
  public var certFile: String?
  public var keyFile: String?
  /// Used by no other client: a broker throws out the one that had it.
  public var clientID: String
  public var filters: [String]
  /// Seconds, 5 to 65535. The owner must call the listener more often than that.
  public var keepalive: Int

  public init(
    address: BrokerAddress, username: String? = nil, password: @escaping @Sendable () throws -> String? = { nil },
    caFile: String? = nil, certFile: String? = nil, keyFile: String? = nil, clientID: String, filters: [String],
    keepalive: Int = 60
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
  }
}
