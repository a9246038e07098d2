import Glibc
import Testing

@testable import MQTT

@Suite(
  "Against a real broker: the publisher", .serialized,
  .enabled(if: TestBroker.isInstalled, "needs mosquitto"))
struct PublisherTests {
  @Test("each token comes back once with its acknowledgement, and no more are outstanding than allowed")
  func tokens() throws {
    let broker = try TestBroker()
    var tokens: [UInt64] = []
    let publisher = Publisher(
      configuration: PublisherConfiguration(address: broker.address, clientID: "p", maxOutstanding: 50)
    ) { token, refusal in
      #expect(refusal == nil)
      tokens.append(token)
    }
    try publisher.connect(within: 10_000)
    var most = 0
    for token in 0..<2000 {
      try publisher.publish(topic: "t", payload: [1, 2, 3], token: UInt64(token))
      most = max(most, publisher.outstanding)
    }
    #expect(publisher.flush(within: 30_000))
    publisher.close()
    #expect(tokens.sorted() == Array(0..<2000))
    #expect(publisher.acknowledged == 2000)
    #expect(most <= 50)
  }

  @Test("what wasn't acknowledged is sent again after the connection broke, and each token comes back once")
  func reconnects() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let session = Session.testing(port: broker.port, sink: sink)
    session.start()
    try session.waitUntilSubscribed()
    var tokens: [UInt64] = []
    let publisher = Publisher(configuration: PublisherConfiguration(address: broker.address, clientID: "p")) {
      token, _ in tokens.append(token)
    }
    try publisher.connect(within: 10_000)
    for token in 0..<3000 {
      try publisher.publish(topic: "t/x", payload: Array("\(token)".utf8), token: UInt64(token))
      if token % 500 == 250 { publisher.cut() }
    }
    #expect(publisher.flush(within: 30_000))
    #expect(publisher.reconnects >= 6)
    publisher.close()
    #expect(tokens.sorted() == Array(0..<3000))
    // At least once: a message whose acknowledgement was lost may come twice.
    try eventually("all arrived") { Set(sink.texts).count == 3000 }
    session.stop(within: 5000)
  }

  @Test("offline, publishing waits and then says so, and nothing is queued")
  func offline() throws {
    let broker = try TestBroker()
    let publisher = Publisher(configuration: PublisherConfiguration(address: broker.address, clientID: "p"))
    try publisher.connect(within: 10_000)
    broker.stop()
    publisher.cut()
    publisher.pump(for: 1)
    let error = #expect(throws: MQTTError.self) { try publisher.publish(topic: "t", payload: [1], within: 50) }
    #expect(error?.kind == .backpressure)
    #expect(publisher.outstanding == 0)
    try broker.start()
    try publisher.publish(topic: "t", payload: [1], within: 60_000)
    #expect(publisher.flush(within: 30_000))
    #expect(publisher.acknowledged == 1)
    publisher.close()
  }

  @Test("a message that can't be published is refused at once")
  func invalid() throws {
    let broker = try TestBroker()
    let publisher = Publisher(configuration: PublisherConfiguration(address: broker.address, clientID: "p"))
    try publisher.connect(within: 10_000)
    for topic in ["", "a/+", "a/#"] {
      let error = #expect(throws: MQTTError.self) { try publisher.publish(topic: topic, payload: [1]) }
      #expect(error?.kind == .configuration)
    }
    #expect(publisher.outstanding == 0)
    publisher.close()
  }

  @Test("the will is published when the connection breaks, and not after a farewell")
  func will() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let session = Session.testing(port: broker.port, sink: sink)
    session.start()
    try session.waitUntilSubscribed()
    for (number, breaks) in [(1, true), (2, false), (3, true)] {
      let publisher = Publisher(
        configuration: PublisherConfiguration(
          address: broker.address, clientID: "p",
          will: PublisherConfiguration.Will(topic: "t/will", payload: Array("gone \(number)".utf8))))
      try publisher.connect(within: 10_000)
      if breaks { publisher.cut() } else { publisher.close() }
    }
    try eventually("the wills are committed") { sink.texts.contains("gone 3") }
    session.stop(within: 5000)
    #expect(sink.texts == ["gone 1", "gone 3"])
  }

  @Test("no broker: connecting gives up in time and says why")
  func noBroker() throws {
    let publisher = Publisher(
      configuration: PublisherConfiguration(
        address: BrokerAddress(host: "127.0.0.1", port: try freePort()), clientID: "p"))
    let error = #expect(throws: MQTTError.self) { try publisher.connect(within: 50) }
    #expect(error?.kind == .unreachable)
    publisher.close()
  }
}
