import Glibc
import Testing

@testable import MQTT

@Suite(
  "Against a real broker: acknowledgements and redeliveries", .serialized,
  .enabled(if: TestBroker.isInstalled, "needs mosquitto"))
struct AcknowledgementTests {
  @Test("what is published is committed once, and nothing is left with the broker")
  func plain() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let session = Session.testing(port: broker.port, sink: sink)
    session.start()
    try session.waitUntilSubscribed()
    try publish((0..<500).map { "\($0)" }, to: broker.port)
    try eventually("all are committed") { sink.committed.count == 500 }
    #expect(sink.texts == (0..<500).map { "\($0)" })
    #expect(sink.committed.allSatisfy { $0.topic == "t/x" && $0.qos == 1 && $0.packetID != 0 && !$0.retained })
    session.stop(within: 5000)
    #expect(session.status.state == .stopped)

    // A second life of the gateway, with nothing to remember: it is sent nothing.
    let second = TestSink()
    let again = Session.testing(port: broker.port, sink: second)
    again.start()
    try again.waitUntilSubscribed()
    try publish(["last"], to: broker.port)
    try eventually("the last is committed") { !second.committed.isEmpty }
    #expect(second.texts == ["last"])
    #expect(again.status.sessionPresent == true)
    again.stop(within: 5000)
  }

  @Test("while a commit is held the broker has no acknowledgement: it delivers all again")
  func heldCommit() throws {
    let broker = try TestBroker()
    let proxy = try TestProxy(to: broker.port)
    defer { proxy.end() }
    let sink = TestSink()
    sink.set(.hangs)
    let session = Session.testing(port: proxy.port, sink: sink)
    session.start()
    try session.waitUntilSubscribed()
    try publish(["1", "2", "3"], to: broker.port)
    try eventually("a commit is held") { sink.isHolding }
    // The process dies with its commit undone: what a second one is sent, the broker still held.
    session.stop(within: 0)
    proxy.cut()
    let second = TestSink()
    let again = Session.testing(port: broker.port, sink: second)
    again.start()
    try eventually("all come again") { second.committed.count == 3 }
    #expect(second.texts == ["1", "2", "3"])
    again.stop(within: 5000)
    sink.release()
  }

  @Test("after a commit that failed everything comes again, and is stored once")
  func failedCommit() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let events = Events()
    sink.set(.fails)
    let session = Session.testing(port: broker.port, sink: sink, events: events)
    session.start()
    try session.waitUntilSubscribed()
    try publish(["1", "2", "3"], to: broker.port)
    try eventually("a commit failed") { events.contains { if case .commitFailed = $0 { true } else { false } } }
    #expect(sink.committed.isEmpty)
    sink.set(.commits)
    try eventually("all are committed") { sink.committed.count >= 3 }
    session.stop(within: 5000)
    #expect(sink.texts == ["1", "2", "3"])
    #expect(session.status.redelivered == 0)
    #expect(session.status.failedCommits >= 1)
  }

  @Test("messages whose acknowledgement was lost are recognised after the connection broke")
  func redelivery() throws {
    let broker = try TestBroker()
    let proxy = try TestProxy(to: broker.port)
    defer { proxy.end() }
    let sink = TestSink()
    let session = Session.testing(port: proxy.port, sink: sink)
    session.start()
    try session.waitUntilSubscribed()
    try publish(["first"], to: broker.port)
    try eventually("the first is committed") { sink.committed.count == 1 }
    proxy.holdUpstream(true)
    try publish(["a", "a", "b"], to: broker.port)
    try eventually("all are committed") { sink.committed.count == 4 }
    proxy.cut()
    proxy.holdUpstream(false)
    try eventually("they came again") { session.status.redelivered == 3 }
    try publish(["a"], to: broker.port)
    try eventually("a new one like an old one is committed") { sink.committed.count == 5 }
    session.stop(within: 5000)
    #expect(sink.texts == ["first", "a", "a", "b", "a"])
  }

  @Test("messages that an earlier process committed are recognised through remember")
  func remembered() throws {
    let broker = try TestBroker()
    let proxy = try TestProxy(to: broker.port)
    defer { proxy.end() }
    let sink = TestSink()
    let first = Session.testing(port: proxy.port, sink: sink)
    first.start()
    try first.waitUntilSubscribed()
    proxy.holdUpstream(true)
    try publish(["1", "2", "3"], to: broker.port)
    try eventually("all are committed") { sink.committed.count == 3 }
    first.stop(within: 200)
    proxy.cut()
    proxy.holdUpstream(false)
    try publish(["4"], to: broker.port)

    let second = TestSink()
    let session = Session.testing(port: proxy.port, sink: second)
    for message in sink.committed {
      message.payload.withUnsafeBytes { payload in
        Array(message.topic.utf8).withUnsafeBytes { topic in
          session.remember(packetID: message.packetID, topic: topic, payload: payload)
        }
      }
    }
    session.start()
    try eventually("the new one is committed") { !second.committed.isEmpty }
    session.stop(within: 5000)
    #expect(second.texts == ["4"])
    #expect(session.status.redelivered == 3)
  }

  @Test("without remember the same messages are stored again: the broker really sends them")
  func notRemembered() throws {
    let broker = try TestBroker()
    let proxy = try TestProxy(to: broker.port)
    defer { proxy.end() }
    let sink = TestSink()
    let first = Session.testing(port: proxy.port, sink: sink)
    first.start()
    try first.waitUntilSubscribed()
    proxy.holdUpstream(true)
    try publish(["1", "2", "3"], to: broker.port)
    try eventually("all are committed") { sink.committed.count == 3 }
    first.stop(within: 200)
    proxy.cut()
    let second = TestSink()
    let session = Session.testing(port: broker.port, sink: second)
    session.start()
    try eventually("they are committed again") { second.committed.count == 3 }
    session.stop(within: 5000)
    #expect(second.committed.map(\.packetID) == sink.committed.map(\.packetID))
  }

  @Test("ten thousand messages through a connection that breaks again and again end in the sink once each")
  func cuts() throws {
    let broker = try TestBroker()
    let proxy = try TestProxy(to: broker.port)
    defer { proxy.end() }
    let sink = TestSink()
    let session = Session.testing(port: proxy.port, sink: sink) {
      $0.commitMessages = 200
      $0.commitInterval = 5
    }
    session.start()
    try session.waitUntilSubscribed()
    let count = 10_000
    var (cuts, committed) = (0, 0)
    var random = SeededGenerator(seed: 42)
    let publisher = Publisher(configuration: PublisherConfiguration(address: broker.address, clientID: "publisher"))
    try publisher.connect(within: 10_000)
    for number in 0..<count {
      try publisher.publish(topic: "t/\(number % 7)", payload: Array("\(number)".utf8))
      guard number % 400 == 0 else { continue }
      // The connection of the last cut is another one, and has achieved something: else the retries slow down.
      _ = publisher.flush(within: 10_000)
      try eventually(
        "connection \(cuts + 1) is made, and achieves something:"
          + " \(proxy.connections), \(sink.committed.count) after \(committed), \(session.status),"
          + " \(publisher.outstanding) not acknowledged, \(broker.isAlive ? "" : "no broker,") \(broker.log.suffix(4000))"
      ) { proxy.connections > cuts && sink.committed.count > committed }
      cuts = proxy.connections
      committed = sink.committed.count
      // Somewhere in the middle of a packet, either way, or right now.
      switch Int.random(in: 0..<3, using: &random) {
      case 0: proxy.cut(afterBytesDown: Int.random(in: 1..<3000, using: &random))
      case 1: proxy.cut(afterBytesDown: .max, up: Int.random(in: 1..<800, using: &random))
      default: proxy.cut()
      }
    }
    #expect(publisher.flush(within: 30_000))
    publisher.close()
    proxy.cut(afterBytesDown: .max)
    try eventually("all are committed, got \(sink.committed.count)", within: 120) { sink.committed.count >= count }
    session.stop(within: 5000)
    #expect(sink.texts.compactMap { Int($0) } == Array(0..<count))
    #expect(session.status.reconnects >= 20)
    #expect(session.status.redelivered > 0)
  }

  @Test("a broker that is restarted has kept what was not acknowledged")
  func brokerRestart() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let session = Session.testing(port: broker.port, sink: sink)
    session.start()
    try session.waitUntilSubscribed()
    try publish(["1"], to: broker.port)
    try eventually("the first is committed") { sink.committed.count == 1 }
    sink.set(.hangs)
    try publish(["2", "3"], to: broker.port)
    try eventually("a commit is held") { sink.isHolding }
    broker.stop()
    sink.set(.commits)
    sink.release(succeeded: false)
    try broker.start()
    try eventually("all are committed") { sink.committed.count >= 3 }
    try publish(["4"], to: broker.port)
    try eventually("the last is committed") { sink.committed.count >= 4 }
    session.stop(within: 5000)
    #expect(sink.texts == ["1", "2", "3", "4"])
  }

  @Test("a broker that crashed with an old save and uses its identifiers again loses nothing new")
  func brokerCrash() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let session = Session.testing(port: broker.port, sink: sink)
    session.start()
    try session.waitUntilSubscribed()
    // The save knows the session, and nothing of what follows.
    broker.save()
    try eventually("the save is there") { access("\(broker.folder)/mosquitto.db", R_OK) == 0 }
    try publish((0..<20).map { "old \($0)" }, to: broker.port)
    try eventually("all are committed") { sink.committed.count == 20 }
    broker.kill()
    try broker.start()
    try eventually("connected again") { session.status.reconnects == 1 && session.status.state == .connected }
    try publish((0..<20).map { "new \($0)" }, to: broker.port)
    try eventually("all are committed") { sink.committed.count >= 40 }
    session.stop(within: 5000)
    #expect(sink.texts == (0..<20).map { "old \($0)" } + (0..<20).map { "new \($0)" })
  }
}
