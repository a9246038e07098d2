import Glibc

/// Publishes, and knows exactly what the broker acknowledged.
///
/// Blocking, and driven by its owner: everything, callbacks included, happens on the thread that calls, one at a time.
/// Messages of QoS 1 that were not acknowledged are sent again after a reconnect, so a broker may see one twice;
/// nothing is published while offline.
public final class Publisher {
  /// A message of QoS 1 was acknowledged, or refused (then with the broker's reason); one of QoS 0 was written.
  public typealias Acknowledged = (_ token: UInt64, _ refusal: MQTTError?) -> Void

  private struct Outstanding {
    var token: UInt64
    var qos: UInt8
  }

  private static let handshakeTime: Int64 = 20_000_000_000
  private static let tick: Int64 = 1_000_000_000
  /// So many messages are queued before the socket is asked: each round costs at least two system calls.
  private static let messagesPerRound = 32

  /// Messages acknowledged with success; at QoS 0, written.
  public private(set) var acknowledged: Int64 = 0
  /// Messages that the broker answered with a refusal.
  public private(set) var refused: Int64 = 0
  /// Messages of QoS 0 that were never written, because the connection broke.
  public private(set) var lostAtQoS0: Int64 = 0
  public private(set) var reconnects: Int64 = 0
  public private(set) var isConnected = false
  /// Why the last connection ended or the last try failed; nil while connected.
  public private(set) var lastError: MQTTError?
  /// Messages that wait for their acknowledgement.
  public var outstanding: Int { waiting.count }

  private let configuration: PublisherConfiguration
  private let onAcknowledged: Acknowledged?
  private var client: Client?
  private var waiting: [Int32: Outstanding] = [:]
  private var unwritten = 0
  private var packets: UInt64 = 0
  private var answer: Int32?
  private var farewell: Int32?
  private var isOpen = false
  private var isClosed = false
  private var everConnected = false
  private var backoff = ReconnectBackoff()
  private var choice = ProtocolChoice()
  private var nextTry: Int64 = 0
  private var handshakeDeadline: Int64 = 0
  private var nextKeepAlive: Int64 = 0

  public init(configuration: PublisherConfiguration, onAcknowledged: Acknowledged? = nil) {
    self.configuration = configuration
    self.onAcknowledged = onAcknowledged
  }

  // MARK: For the owner

  /// Connects, trying again until the time is over.
  public func connect(within milliseconds: Int) throws(MQTTError) {
    let deadline = Publisher.deadline(milliseconds)
    while !isConnected {
      guard Monotonic.now() < deadline, !isClosed else {
        throw lastError
          ?? MQTTError(
            kind: .silent, operation: "connecting to \(configuration.address)",
            reason: "no answer within \(milliseconds) ms", cure: "")
      }
      step(until: deadline)
    }
  }

  /// Queues a message; it is sent at the latest with the next call of `pump` or `flush`. Blocks while we are offline
  /// or the most is outstanding.
  ///
  /// - Parameter token: comes back with the acknowledgement.
  /// - Throws: `MQTTError` of kind `backpressure` where the time was over first, `configuration` where the message
  ///   can't be published; it was not queued then.
  public func publish(
    topic: String, payload: UnsafeRawBufferPointer, qos: UInt8 = 1, retain: Bool = false, token: UInt64 = 0,
    within milliseconds: Int = 30_000
  ) throws(MQTTError) {
    if !isConnected || waiting.count >= configuration.maxOutstanding {
      let deadline = Publisher.deadline(milliseconds)
      while !isConnected || waiting.count >= configuration.maxOutstanding {
        guard Monotonic.now() < deadline, !isClosed else { throw backpressure(topic, milliseconds) }
        step(until: deadline)
      }
    }
    guard let client else { throw backpressure(topic, milliseconds) }
    let (code, messageID) = client.publish(topic: topic, payload: payload, qos: min(qos, 1), retain: retain)
    if let reason = Client.unpublishable(code) {
      throw MQTTError(
        kind: .configuration, operation: "publishing \(payload.count) bytes to \(topic.prefix(200))", reason: reason,
        cure: "the topic must be UTF-8 without wildcards, the payload within the broker's limit")
    }
    waiting[messageID] = Outstanding(token: token, qos: min(qos, 1))
    unwritten += 1
    if unwritten >= Publisher.messagesPerRound { step(until: 0) }
  }

  public func publish(
    topic: String, payload: [UInt8], qos: UInt8 = 1, retain: Bool = false, token: UInt64 = 0,
    within milliseconds: Int = 30_000
  ) throws(MQTTError) {
    let result: Result<Void, MQTTError> = payload.withUnsafeBytes { bytes in
      do throws(MQTTError) {
        try publish(topic: topic, payload: bytes, qos: qos, retain: retain, token: token, within: milliseconds)
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  /// Sends what is queued, takes acknowledgements in and keeps the connection alive, for so long.
  public func pump(for milliseconds: Int) {
    let deadline = Publisher.deadline(milliseconds)
    repeat { step(until: deadline) } while Monotonic.now() < deadline && !isClosed
  }

  /// Waits until everything is acknowledged; false where the time was over first.
  @discardableResult
  public func flush(within milliseconds: Int) -> Bool {
    let deadline = Publisher.deadline(milliseconds)
    while !waiting.isEmpty {
      guard Monotonic.now() < deadline, !isClosed else { return false }
      step(until: deadline)
    }
    return true
  }

  /// Takes leave of the broker. What is outstanding stays unacknowledged: `flush` first.
  public func close(within milliseconds: Int = 1000) {
    guard !isClosed else { return }
    isClosed = true
    let deadline = Publisher.deadline(milliseconds)
    if isConnected { client?.leave(until: deadline) }
    client?.sever()
    client = nil
    isConnected = false
    isOpen = false
  }

  /// Cuts the connection as a broken network would: for tests of what comes after.
  public func cut() { client?.sever() }

  // MARK: The loop

  private static func deadline(_ milliseconds: Int) -> Int64 {
    Monotonic.now() + Int64(max(0, min(milliseconds, 86_400_000))) * 1_000_000
  }

  /// One round: connects where there is no connection, writes, waits for the socket no longer than until then, reads.
  private func step(until deadline: Int64) {
    let now = Monotonic.now()
    guard isOpen, let client else {
      if now >= nextTry { return open() }
      return wait(until: min(deadline, nextTry), for: 0)
    }
    var code: Int32 = 0
    if now >= nextKeepAlive {
      nextKeepAlive = now + Publisher.tick
      if isConnected { code = client.keepAlive() }
    }
    unwritten = 0
    if code == 0, client.wantsWrite { code = client.write() }
    if code == 0, client.socket >= 0, deadline > now {
      wait(until: min(deadline, now + (isConnected ? Publisher.tick : 200_000_000)), for: POLLIN)
    }
    while code == 0, client.socket >= 0 {
      let before = packets
      code = client.read()
      if packets == before { break }
    }
    if code != 0 || client.socket < 0 {
      lose(client.failure(code == 0 ? Client.connectionLost : code, operation: "the connection to \(client.address)"))
    } else if !isConnected, Monotonic.now() >= handshakeDeadline {
      lose(
        MQTTError(
          kind: .silent, operation: "connecting to \(client.address)", reason: "no answer from the broker", cure: ""))
    }
  }

  private func wait(until deadline: Int64, for interest: Int32) {
    let nanoseconds = max(0, deadline - Monotonic.now())
    var entry = pollfd(fd: isOpen ? client?.socket ?? -1 : -1, events: Int16(interest), revents: 0)
    if client?.wantsWrite == true { entry.events |= Int16(POLLOUT) }
    _ = poll(&entry, 1, Int32(clamping: (nanoseconds + 999_999) / 1_000_000))
  }

  private func open() {
    answer = nil
    farewell = nil
    backoff.trying(now: Monotonic.now())
    do {
      let client = try makeClient()
      try client.connect(
        Client.Connect(
          version: choice.version, keepalive: configuration.keepalive, username: configuration.username,
          password: try BrokerPassword.read(configuration.password), receiveMaximum: 20, sessionExpiry: nil,
          maximumPacket: nil))
      isOpen = true
      handshakeDeadline = Monotonic.now() + Publisher.handshakeTime
      nextKeepAlive = Monotonic.now() + Publisher.tick
    } catch {
      lastError = error
      nextTry = backoff.failed(now: Monotonic.now(), random: Double.random(in: 0..<1))
    }
  }

  private func makeClient() throws(MQTTError) -> Client {
    if let client { return client }
    let made = try Client(
      address: configuration.address, clientID: configuration.clientID, cleanStart: true, caFile: configuration.caFile,
      certFile: configuration.certFile, keyFile: configuration.keyFile, delegate: self)
    if let will = configuration.will,
      made.setWill(topic: will.topic, payload: will.payload, qos: min(will.qos, 1), retain: will.retain) != 0
    {
      throw MQTTError(
        kind: .configuration, operation: "setting the will \(will.topic)", reason: "not a valid topic or payload",
        cure: "the topic must be UTF-8 without wildcards")
    }
    client = made
    return made
  }

  private func lose(_ reason: MQTTError) {
    let operation = "the connection to \(configuration.address)"
    var error = farewell.map { Diagnosis.farewell($0, operation: operation) } ?? reason
    if let answer, answer != 0 {
      error = Diagnosis.refusal(answer, operation: "connecting to \(configuration.address)")
    }
    client?.sever()
    isOpen = false
    lastError = error
    for (messageID, message) in waiting where message.qos == 0 {
      waiting[messageID] = nil
      lostAtQoS0 += 1
    }
    if error.kind == .protocolVersion, choice.refused() { return }
    if isConnected { choice.lostAcceptedConnection() }
    isConnected = false
    nextTry = backoff.failed(now: Monotonic.now(), random: Double.random(in: 0..<1))
  }

  private func backpressure(_ topic: String, _ milliseconds: Int) -> MQTTError {
    MQTTError(
      kind: .backpressure, operation: "publishing to \(topic.prefix(200))",
      reason: isConnected
        ? "\(waiting.count) messages wait for their acknowledgement since \(milliseconds) ms"
        : "offline: \(lastError?.reason ?? "not connected")",
      cure: isConnected ? "" : lastError?.cure ?? "")
  }
}

extension Publisher: ClientDelegate {
  func client(accepted reason: Int32, sessionPresent: Bool) {
    packets += 1
    answer = reason
    guard reason == 0 else { return }
    client?.accepted()
    isConnected = true
    lastError = nil
    if everConnected { reconnects += 1 }
    everConnected = true
  }

  func client(disconnected reason: Int32) {
    packets += 1
    if reason >= 128 { farewell = reason }
  }

  func client(published messageID: Int32, reason: Int32) {
    packets += 1
    guard let message = waiting.removeValue(forKey: messageID) else { return }
    if reason < 128 {
      acknowledged += 1
      backoff.succeeded()
      onAcknowledged?(message.token, nil)
    } else {
      refused += 1
      onAcknowledged?(
        message.token, Diagnosis.refusal(reason, operation: "publishing to \(configuration.address)"))
    }
  }

  func client(received message: borrowing IncomingMessage) { packets += 1 }
  func client(subscribed messageID: Int32, codes: UnsafeBufferPointer<Int32>) { packets += 1 }
  func client(unsubscribed messageID: Int32) { packets += 1 }
}
