/// What the library reports, from within its own calls: noted, never answered with another call that reads or writes.
extension SessionLoop: ClientDelegate {
  func client(accepted reason: Int32, sessionPresent: Bool) {
    packets += 1
    answer = (reason, sessionPresent)
    guard reason == 0 else { return }
    gate.established()
    // Here and not later: under TLS the same read may bring the first messages.
    redelivery.connected(sessionPresent: sessionPresent && configuration.recognisesRedeliveries)
    pacing.connected(window: choice.version == .v5 ? Int(configuration.receiveMaximum) : nil, now: now)
  }

  func client(disconnected reason: Int32) {
    packets += 1
    if reason >= 128 { farewell = reason }
  }

  func client(received message: borrowing IncomingMessage) {
    packets += 1
    if message.qos == 0, isDroppedCount(message.topic) { return noteDropped(message.payload) }
    status.received += 1
    let size = message.topic.count + message.payload.count
    if message.payload.count > configuration.maxPayload {
      // Stored nowhere, so it neither belongs to a run of redeliveries nor ends it.
      noteOversized(message)
      return pacing.received(bytes: 0, stored: false, now: now)
    }
    guard let redacted = configuration.redact(message.topic, message.payload) else { return take(message, size) }
    status.redacted += 1
    let (packetID, qos, retained) = (message.packetID, message.qos, message.retained)
    kept(redacted.topic, message.topic) { topic in
      kept(redacted.payload, message.payload) { payload in
        take(
          IncomingMessage(topic: topic, payload: payload, packetID: packetID, qos: qos, retained: retained),
          topic.count + payload.count)
      }
    }
  }

  private func kept(
    _ redacted: [UInt8]?, _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    if let redacted { redacted.withUnsafeBytes(body) } else { body(bytes) }
  }

  private func take(_ message: borrowing IncomingMessage, _ size: Int) {
    if message.qos == 0 {
      status.receivedAtQoS0 += 1
    } else {
      let digest = RedeliveryRun.digest(topic: message.topic, payload: message.payload)
      if redelivery.received(packetID: message.packetID, digest: digest) {
        status.redelivered += 1
        return pacing.received(bytes: 0, stored: false, now: now)
      }
    }
    gate.appended()
    gathered += 1
    sink.append(message)
    pacing.received(bytes: size, stored: true, now: now)
  }

  func client(subscribed messageID: Int32, codes: UnsafeBufferPointer<Int32>) {
    packets += 1
    guard let filters = subscribing.removeValue(forKey: messageID) else { return }
    status.isSubscribed = subscribing.isEmpty
    for (filter, code) in zip(filters, codes) {
      let isOwn = filter == SessionLoop.droppedTopic
      if let reason = isOwn && code == 0 ? nil : Diagnosis.subscription(code) {
        if code >= 128, !isOwn { plan.refused(filter) }
        refuse(filter, reason)
      } else if !isOwn {
        plan.subscribed(filter)
      }
    }
  }

  func client(unsubscribed messageID: Int32) {
    packets += 1
    for filter in unsubscribing.removeValue(forKey: messageID) ?? [] { plan.unsubscribed(filter) }
  }

  func client(published messageID: Int32, reason: Int32) { packets += 1 }

  func refuse(_ filter: String, _ reason: String) {
    status.refusedSubscriptions.removeAll { $0.filter == filter }
    status.refusedSubscriptions.append(SessionStatus.RefusedSubscription(filter: filter, reason: reason))
    events(.subscriptionRefused(filter: filter, reason: reason))
  }

  private func noteOversized(_ message: borrowing IncomingMessage) {
    status.oversized += 1
    guard !toldOversized else { return }
    toldOversized = true
    let kept = configuration.redact(message.topic, UnsafeRawBufferPointer(start: nil, count: 0))?.topic
    let topic = kept.map { $0.prefix(200) } ?? Array(message.topic.prefix(200))[...]
    events(.oversized(topic: String(decoding: topic, as: UTF8.self), bytes: message.payload.count))
  }

  private func isDroppedCount(_ topic: UnsafeRawBufferPointer) -> Bool {
    topic.first == UInt8(ascii: "$") && topic.elementsEqual(SessionLoop.droppedTopic.utf8)
  }

  private func noteDropped(_ payload: UnsafeRawBufferPointer) {
    guard payload.count <= 20, let count = Int64(String(decoding: payload, as: UTF8.self)) else { return }
    if let before = status.brokerDropped, count > before { events(.brokerDropped(count)) }
    status.brokerDropped = count
  }
}
