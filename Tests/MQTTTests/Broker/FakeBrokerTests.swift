import Glibc
import Synchronization
import Testing
import Threads

@testable import MQTT

/// Listens, takes one packet from each client and answers what it was told, then closes or stays.
final class FakeBroker: Sendable {
  /// What is answered to a CONNECT of this protocol level; nil for silence.
  typealias Answer = @Sendable (_ level: UInt8) -> (bytes: [UInt8], closes: Bool)?

  let port: Int
  private let listening: Int32
  private let answer: Answer
  /// Sent once the client has sent more than CONNECT.
  private let next: [UInt8]
  private let levels = Mutex<[UInt8]>([])
  private let ended = Mutex(false)

  init(next: [UInt8] = [], answer: @escaping Answer) throws {
    self.answer = answer
    self.next = next
    (listening, port) = try listener()
    _ = try BlockingThread("fake-broker") { [self] in serve() }
  }

  /// The protocol levels that clients asked for, in order.
  var asked: [UInt8] { levels.withLock { $0 } }

  func end() { ended.withLock { $0 = true } }

  private func serve() {
    var open: [Int32] = []
    while !ended.withLock({ $0 }) {
      // As a broker does: who takes leave is closed.
      var byte: UInt8 = 0
      open.removeAll { client in
        guard recv(client, &byte, 1, Int32(MSG_DONTWAIT)) == 0 else { return false }
        hangUp(client)
        return true
      }
      var entry = pollfd(fd: listening, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 20) > 0 else { continue }
      let client = accept(listening, nil, nil)
      var packet = [UInt8](repeating: 0, count: 512)
      // CONNECT is small, so its remaining length takes one byte; the level follows the name "MQTT".
      let count = read(client, &packet, packet.count)
      guard count > 8 else {
        hangUp(client)
        continue
      }
      levels.withLock { $0.append(packet[8]) }
      if let (bytes, closes) = answer(packet[8]) {
        _ = send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        if closes {
          hangUp(client)
          continue
        }
      }
      open.append(client)
      if !next.isEmpty, read(client, &packet, packet.count) > 0 {
        _ = send(client, next, next.count, Int32(MSG_NOSIGNAL))
      }
    }
    for client in open { hangUp(client) }
    close(listening)
  }
}

@Suite("Against a broker of our own making", .serialized)
struct FakeBrokerTests {
  @Test("a broker of 3.1.1 that refuses 5 is spoken to in 3.1.1, whichever way it says so")
  func fallback() throws {
    // The refusal in the manner of 3.1.1, and in the manner of 5.
    for refusal: [UInt8] in [[0x20, 2, 0, 1], [0x20, 3, 0, 0x84, 0]] {
      let broker = try FakeBroker { level in
        level == 5 ? (refusal, true) : ([0x20, 2, 0, 0], false)
      }
      let events = Events()
      let session = Session.testing(port: broker.port, sink: TestSink(), events: events)
      session.start()
      try session.waitUntilConnected()
      #expect(session.status.protocolVersion == .v311)
      #expect(broker.asked == [5, 4])
      #expect(events.contains { $0 == .fellBack(.v311) })
      session.stop(within: 5000)
      broker.end()
    }
  }

  @Test("a broker that refuses both is asked again later, with 5 first")
  func refusesBoth() throws {
    let broker = try FakeBroker { _ in ([0x20, 2, 0, 1], true) }
    let session = Session.testing(port: broker.port, sink: TestSink())
    session.start()
    try eventually("asked four times") { broker.asked.count >= 4 }
    session.stop(within: 5000)
    #expect(broker.asked.prefix(4) == [5, 4, 5, 4])
    #expect(session.status.lastError?.kind == .protocolVersion)
    broker.end()
  }

  @Test("a connection that ends without an answer is no reason to fall back")
  func closesSilently() throws {
    let broker = try FakeBroker { _ in ([], true) }
    let session = Session.testing(port: broker.port, sink: TestSink())
    session.start()
    try eventually("asked twice") { broker.asked.count >= 2 }
    session.stop(within: 5000)
    #expect(broker.asked.allSatisfy { $0 == 5 })
    #expect(session.status.lastError?.kind == .closed)
    broker.end()
  }

  @Test("a second client with our id is told as such, and not fought with")
  func takenOver() throws {
    // CONNACK, then DISCONNECT with the reason "session taken over".
    let broker = try FakeBroker { _ in ([0x20, 3, 0, 0, 0, 0xE0, 2, 0x8E, 0], false) }
    let session = Session.testing(port: broker.port, sink: TestSink())
    session.start()
    try eventually("told") { session.status.lastError?.kind == .takenOver }
    // Later tries wait much longer than this test.
    #expect(session.status.state == .waiting)
    session.stop(within: 5000)
    #expect(broker.asked == [5])
    broker.end()
  }

  @Test("a refused subscription is shown, with the reason, and the session goes on")
  func refusedSubscription() throws {
    // SUBACK for our first SUBSCRIBE: "not authorised" for the first filter, QoS 0 for the second, 1 for the third.
    let broker = try FakeBroker(next: [0x90, 6, 0, 1, 0, 0x87, 0, 1]) { _ in ([0x20, 3, 0, 0, 0], false) }
    let events = Events()
    let session = Session.testing(port: broker.port, sink: TestSink(), events: events, filters: ["a", "b", "c"])
    session.start()
    try eventually("both are shown") { session.status.refusedSubscriptions.count == 2 }
    #expect(session.status.refusedSubscriptions.map(\.filter) == ["a", "b"])
    #expect(session.status.refusedSubscriptions.last?.reason.contains("QoS 0") == true)
    #expect(session.status.state == .connected)
    session.stop(within: 5000)
    broker.end()
  }

  @Test("an answer that isn't MQTT ends the try, and stopping doesn't wait for a silent broker")
  func nonsense() throws {
    let broker = try FakeBroker { _ in (Array(String(repeating: "HTTP/1.1 400 Bad Request ", count: 9).utf8), false) }
    let session = Session.testing(port: broker.port, sink: TestSink())
    session.start()
    try eventually("told") { session.status.lastError != nil }
    session.stop(within: 5000)
    #expect(session.status.state == .stopped)
    broker.end()

    let silent = try FakeBroker { _ in nil }
    let other = Session.testing(port: silent.port, sink: TestSink())
    other.start()
    try eventually("asked") { silent.asked.count == 1 }
    other.stop(within: 10_000)
    #expect(other.status.state == .stopped)
    silent.end()
  }

  @Test("TLS asked of a broker that speaks none says so")
  func tlsToPlain() throws {
    let broker = try FakeBroker { _ in (Array("no TLS here, none at all".utf8), true) }
    let session = Session.testing(port: broker.port, sink: TestSink()) {
      $0.address = BrokerAddress(scheme: .mqtts, host: "127.0.0.1", port: broker.port)
    }
    session.start()
    try eventually("told") { session.status.lastError != nil }
    #expect(session.status.lastError?.kind == .tls, "\(String(describing: session.status.lastError))")
    session.stop(within: 5000)
    broker.end()
  }
}
