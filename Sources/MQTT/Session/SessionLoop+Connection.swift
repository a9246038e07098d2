import Glibc

/// How connections begin and end.
extension SessionLoop {
  /// Only an indication of what the broker threw away, for whichever client.
  static let droppedTopic = "$SYS/broker/publish/messages/dropped"
  /// Filters in one SUBSCRIBE: brokers limit the size of a packet.
  private static let filtersPerPacket = 100
  /// MQTT 5: don't send retained messages again for a subscription that exists (Retain Handling 1); Retain As
  /// Published 0, so that the flag tells what came because of the subscription.
  private static let subscribeOptions: Int32 = 0x10
  /// After another client took our session, coming back at once would only throw it out in turn.
  private static let takenOverPause: Int64 = 10_000_000_000

  /// A broker closes its side within a round trip. One that doesn't, sends again what it didn't hear.
  private static let leaveTime: Int64 = 2_000_000_000

  // MARK: No connection

  func offline() {
    guard gate.mayConnect else {
      enter(.waiting)
      return sleep(until: now + SessionLoop.tick, reading: false)
    }
    guard sink.acceptsMessages else {
      if status.state != .paused {
        events(.paused)
        enter(.paused)
      }
      return sleep(until: now + SessionLoop.tick, reading: false)
    }
    if status.state == .paused { events(.resumed) }
    guard now >= nextTry else {
      enter(.waiting)
      return sleep(until: nextTry, reading: false)
    }
    enter(.connecting)
    connect()
  }

  private func connect() {
    status.protocolVersion = choice.version
    mailbox.publish(status)
    backoff.trying(now: now)
    do {
      let client = try makeClient()
      farewell = nil
      answer = nil
      try client.connect(
        Client.Connect(
          version: choice.version, keepalive: configuration.keepalive, username: configuration.username,
          password: try BrokerPassword.read(configuration.password), receiveMaximum: configuration.receiveMaximum,
          sessionExpiry: configuration.sessionExpiry, maximumPacket: configuration.maximumPacket))
      now = Monotonic.now()
      gate.opened()
      handshakeDeadline = now + SessionLoop.handshakeTime
      nextKeepAlive = now + SessionLoop.tick
    } catch {
      failed(error)
    }
  }

  private func makeClient() throws(MQTTError) -> Client {
    if let client { return client }
    let made = try Client(
      address: configuration.address, clientID: configuration.clientID, cleanStart: false,
      caFile: configuration.caFile, certFile: configuration.certFile, keyFile: configuration.keyFile, isBuffered: true,
      delegate: self)
    client = made
    return made
  }

  private func failed(_ error: MQTTError) {
    now = Monotonic.now()
    nextTry = backoff.failed(now: now, random: Double.random(in: 0..<1))
    status.lastError = error
    enter(.waiting)
    events(.connectFailed(error, retryAfter: Int((nextTry - now) / 1_000_000)))
  }

  // MARK: The broker's answer

  func shakeHands() {
    guard let client else { return }
    var code: Int32 = 0
    if client.wantsWrite { code = client.write() }
    if code == 0, client.socket >= 0 {
      var entries = [pollfd(fd: client.socket, events: Int16(POLLIN | SessionLoop.peerClosed), revents: 0)]
      entries.append(pollfd(fd: mailbox.wakeUp.descriptor, events: Int16(POLLIN), revents: 0))
      if client.wantsWrite { entries[0].events |= Int16(POLLOUT) }
      // Short, because under TLS the library doesn't always say what it waits for.
      let ready = poll(&entries, 2, 200)
      if ready > 0, entries[1].revents != 0 { mailbox.wakeUp.clear() }
      now = Monotonic.now()
      code = client.read()
      let gone = Int32(entries[0].revents) & (POLLHUP | POLLERR | SessionLoop.peerClosed) != 0
      // The library doesn't notice the end of a connection while TLS is being agreed upon.
      if code == 0, gone, answer == nil { code = Client.connectionLost }
    }
    if gate.connection == .open { return welcome() }
    let operation = "connecting to \(client.address)"
    if let answer, answer.reason != 0 { return refused(answer.reason) }
    if code != 0 || client.socket < 0 {
      lose(client.failure(code == 0 ? Client.connectionLost : code, operation: operation))
    } else if now >= handshakeDeadline {
      lose(
        MQTTError(
          kind: .silent, operation: operation,
          reason: "no answer within \(SessionLoop.handshakeTime / 1_000_000_000) s",
          cure: "is the port in [broker] url that of a broker?"))
    }
  }

  private func refused(_ reason: Int32) {
    client?.sever()
    _ = gate.closed()
    let error = Diagnosis.refusal(reason, operation: "connecting to \(configuration.address)")
    if error.kind == .protocolVersion, choice.refused() {
      status.lastError = error
      events(.fellBack(choice.version))
      return
    }
    failed(error)
  }

  /// What the first turn after the broker's acceptance does. Under TLS messages may have come with it.
  private func welcome() {
    guard let client, let answer else { return }
    client.accepted()
    if everEstablished { status.reconnects += 1 }
    everEstablished = true
    establishedAt = now
    status.sessionPresent = answer.sessionPresent
    status.lastError = nil
    enter(.connected)
    events(.connected(choice.version, sessionPresent: answer.sessionPresent))
    status.refusedSubscriptions.removeAll { Client.isValidFilter($0.filter) }
    apply(plan.connected(sessionPresent: answer.sessionPresent, version: choice.version), isReload: false)
    if let messageID = client.subscribe([SessionLoop.droppedTopic], qos: 0, options: 0) {
      subscribing[messageID] = [SessionLoop.droppedTopic]
    }
  }

  /// Queues the changes. New subscriptions go first: a moment without any would lose what is published in it.
  func apply(_ changes: SubscriptionPlan.Changes, isReload: Bool) {
    guard gate.connection == .open, let client else { return }
    if isReload { status.refusedSubscriptions.removeAll { !plan.wanted.contains($0.filter) } }
    for filters in chunks(changes.subscribe) {
      let options = choice.version == .v5 ? SessionLoop.subscribeOptions : 0
      if let messageID = client.subscribe(filters, qos: 1, options: options) { subscribing[messageID] = filters }
      status.isSubscribed = false
    }
    for filters in chunks(changes.unsubscribe) {
      if let messageID = client.unsubscribe(filters) { unsubscribing[messageID] = filters }
    }
  }

  private func chunks(_ filters: [String]) -> [[String]] {
    stride(from: 0, to: filters.count, by: SessionLoop.filtersPerPacket).map {
      Array(filters[$0..<min($0 + SessionLoop.filtersPerPacket, filters.count)])
    }
  }

  // MARK: The end of a connection

  /// Queues a ping where one is due. False where the connection is gone.
  func keepAlive() -> Bool {
    guard let client, now >= nextKeepAlive else { return true }
    nextKeepAlive = now + SessionLoop.tick
    let code = client.keepAlive()
    guard code != 0 || client.socket < 0 else { return true }
    lose(client.failure(code, operation: "keeping the connection to \(client.address)"))
    return false
  }

  /// The connection is gone, or must go. Closes it without a write and throws away what no commit holds.
  func lose(_ reason: MQTTError?) {
    let operation = "the connection to \(configuration.address)"
    let error =
      farewell.map { Diagnosis.farewell($0, operation: operation) } ?? reason
      ?? MQTTError(kind: .closed, operation: operation, reason: "it was closed", cure: "")
    farewell = nil
    client?.sever()
    let wasAccepted = gate.connection != .handshake
    if gate.closed() {
      sink.discard()
      status.discarded += gathered
    }
    gathered = 0
    restUntil = nil
    redelivery.disconnected()
    subscribing.removeAll()
    unsubscribing.removeAll()
    status.isSubscribed = false
    toldOversized = false
    establishedAt = nil
    unfinishedWrites = 0
    guard wasAccepted else { return failed(error) }
    choice.lostAcceptedConnection()
    now = Monotonic.now()
    nextTry = backoff.failed(now: now, random: Double.random(in: 0..<1))
    if error.kind == .takenOver { nextTry = max(nextTry, now + SessionLoop.takenOverPause) }
    status.lastError = error
    if status.state != .paused { enter(.waiting) }
    events(.disconnected(error))
  }

  // MARK: The end of the session

  /// Nothing more is read: what was gathered is committed, its acknowledgements leave, then DISCONNECT. False once
  /// all that is done, or the time is over.
  func stopping(by deadline: Int64) -> Bool {
    switch gate.connection {
    case .closed:
      guard gate.isCommitting, now < deadline else { return false }
      sleep(until: min(deadline, now + SessionLoop.tick), reading: false)
      return true
    case .handshake, .condemned:
      client?.sever()
      if gate.closed() { sink.discard() }
      return gate.isCommitting && now < deadline
    case .open:
      guard let client, client.socket >= 0, now < deadline else {
        client?.sever()
        if gate.closed() { sink.discard() }
        return false
      }
      if gate.mayCommit {
        commit()
      } else if gate.mayWrite {
        client.leave(until: min(deadline, now + SessionLoop.leaveTime))
        _ = gate.closed()
        return false
      }
      sleep(until: min(deadline, now + SessionLoop.tick), reading: false)
      return true
    }
  }
}
