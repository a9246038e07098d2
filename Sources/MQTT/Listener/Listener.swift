import Glibc

/// Listens to a broker and leaves no trace: a clean start, no session that stays, subscriptions at QoS 0, nothing
/// acknowledged, nothing published. What it is too slow for, the broker drops for it alone.
///
/// Blocking, and driven by its owner: everything, callbacks included, happens on the thread that calls.
public final class Listener {
  private static let tick: Int64 = 1_000_000_000

  private let configuration: ListenerConfiguration
  private let received: (borrowing IncomingMessage) -> Void
  private var client: Client?
  private var choice = ProtocolChoice()
  private var packets: UInt64 = 0
  private var answer: Int32?
  private var farewell: Int32?
  private var grants: [Int32]?
  private var nextKeepAlive: Int64 = 0

  public private(set) var isConnected = false

  /// - Parameter received: called within `listen`, with views that are valid within the call only.
  public init(configuration: ListenerConfiguration, received: @escaping (borrowing IncomingMessage) -> Void) {
    self.configuration = configuration
    self.received = received
  }

  /// Connects and subscribes: one try, and a second with MQTT 3.1.1 where the broker doesn't speak 5. Messages may
  /// come within the call already.
  ///
  /// - Throws: what failed, with its cure, also where the broker refuses a subscription.
  public func connect(within milliseconds: Int) throws(MQTTError) {
    let deadline = Listener.deadline(milliseconds)
    do {
      try open(until: deadline)
    } catch {
      sever()
      guard error.kind == .protocolVersion, choice.refused() else { throw error }
      do {
        try open(until: deadline)
      } catch {
        sever()
        throw error
      }
    }
  }

  /// Takes in what comes, for so long.
  ///
  /// - Throws: where the connection ended; `connect` makes another.
  public func listen(for milliseconds: Int) throws(MQTTError) {
    guard let client, isConnected else {
      throw MQTTError(
        kind: .closed, operation: "listening to \(configuration.address)", reason: "there is no connection", cure: "")
    }
    let deadline = Listener.deadline(milliseconds)
    repeat { try step(client, until: deadline) } while Monotonic.now() < deadline
  }

  /// Takes leave of the broker.
  public func close(within milliseconds: Int = 1000) {
    if isConnected { client?.leave(until: Listener.deadline(milliseconds)) }
    sever()
  }

  // MARK: Connecting

  private func open(until deadline: Int64) throws(MQTTError) {
    let client = try Client(
      address: configuration.address, clientID: configuration.clientID, cleanStart: true, caFile: configuration.caFile,
      certFile: configuration.certFile, keyFile: configuration.keyFile, delegate: self)
    self.client = client
    answer = nil
    farewell = nil
    grants = nil
    try client.connect(
      Client.Connect(
        version: choice.version, keepalive: configuration.keepalive, username: configuration.username,
        password: try BrokerPassword.read(configuration.password), receiveMaximum: 20, sessionExpiry: nil,
        maximumPacket: nil))
    nextKeepAlive = Monotonic.now() + Listener.tick
    let operation = "connecting to \(configuration.address)"
    while answer == nil { try step(client, until: deadline, orFail: operation) }
    if let answer, answer != 0 { throw Diagnosis.refusal(answer, operation: operation) }
    client.accepted()
    guard client.subscribe(configuration.filters, qos: 0, options: 0) != nil else {
      throw client.failure(Client.connectionLost, operation: "subscribing at \(configuration.address)")
    }
    while grants == nil { try step(client, until: deadline, orFail: "subscribing at \(configuration.address)") }
    for (filter, code) in zip(configuration.filters, grants ?? []) where code >= 128 {
      throw MQTTError(
        kind: .refused, operation: "subscribing to \(filter) at \(configuration.address)",
        reason: "the broker refused the subscription",
        cure: "its access rules (acl_file) must let this user read \(filter)")
    }
    isConnected = true
  }

  private func sever() {
    client?.sever()
    client = nil
    isConnected = false
  }

  // MARK: The loop

  private static func deadline(_ milliseconds: Int) -> Int64 {
    Monotonic.now() + Int64(max(0, min(milliseconds, 86_400_000))) * 1_000_000
  }

  private func step(_ client: Client, until deadline: Int64, orFail operation: String) throws(MQTTError) {
    guard Monotonic.now() < deadline else {
      throw MQTTError(
        kind: .silent, operation: operation, reason: "no answer from the broker",
        cure: "is the port in its URL that of a broker?")
    }
    try step(client, until: deadline)
  }

  /// One round: writes, waits for the socket no longer than until then, reads until it is dry.
  private func step(_ client: Client, until deadline: Int64) throws(MQTTError) {
    let now = Monotonic.now()
    var code: Int32 = 0
    if now >= nextKeepAlive {
      nextKeepAlive = now + Listener.tick
      code = client.keepAlive()
    }
    if code == 0, client.wantsWrite { code = client.write() }
    if code == 0, client.socket >= 0 {
      let left = max(0, min(deadline, now + Listener.tick) - now)
      var entry = pollfd(fd: client.socket, events: Int16(POLLIN | (client.wantsWrite ? POLLOUT : 0)), revents: 0)
      _ = poll(&entry, 1, Int32(clamping: (left + 999_999) / 1_000_000))
    }
    while code == 0, client.socket >= 0, Monotonic.now() < deadline {
      let before = packets
      code = client.read()
      if packets == before { break }
    }
    guard code != 0 || client.socket < 0 else { return }
    let operation = "the connection to \(configuration.address)"
    let failure = client.failure(code == 0 ? Client.connectionLost : code, operation: operation)
    isConnected = false
    if let answer, answer != 0 {
      throw Diagnosis.refusal(answer, operation: "connecting to \(configuration.address)")
    }
    throw farewell.map { Diagnosis.farewell($0, operation: operation) } ?? failure
  }
}

extension Listener: ClientDelegate {
  func client(accepted reason: Int32, sessionPresent: Bool) {
    packets += 1
    answer = reason
  }

  func client(disconnected reason: Int32) {
    packets += 1
    if reason >= 128 { farewell = reason }
  }

  func client(received message: borrowing IncomingMessage) {
    packets += 1
    received(message)
  }

  func client(subscribed messageID: Int32, codes: UnsafeBufferPointer<Int32>) {
    packets += 1
    grants = Array(codes)
  }

  func client(unsubscribed messageID: Int32) { packets += 1 }
  func client(published messageID: Int32, reason: Int32) { packets += 1 }
}
