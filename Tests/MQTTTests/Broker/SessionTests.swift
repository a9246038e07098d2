import Glibc
import Testing

@testable import MQTT

@Suite(
  "Against a real broker: the life of a session", .serialized,
  .enabled(if: TestBroker.isInstalled, "needs mosquitto"))
struct SessionTests {
  @Test("a broker that isn't there at the start is asked until it is")
  func unreachable() throws {
    let broker = try TestBroker(started: false)
    let sink = TestSink()
    let events = Events()
    let session = Session.testing(port: broker.port, sink: sink, events: events)
    session.start()
    try eventually("a second try failed") {
      events.all.count { if case .connectFailed = $0 { true } else { false } } >= 2
    }
    #expect(session.status.lastError?.kind == .unreachable)
    #expect(session.status.lastError?.cure.isEmpty == false)
    try broker.start()
    try session.waitUntilSubscribed()
    #expect(session.status.lastError == nil)
    #expect(session.status.reconnects == 0)
    session.stop(within: 5000)
    #expect(events.all.last == .stopped)
  }

  @Test("a name without an address is told as such, and stopping doesn't wait for the next try")
  func unknownName() throws {
    let sink = TestSink()
    let session = Session.testing(port: 1, sink: sink) {
      $0.address = BrokerAddress(host: "no-such-host.invalid", port: 1883)
    }
    session.start()
    try eventually("a try failed") { session.status.lastError != nil }
    #expect(session.status.lastError?.kind == .nameUnknown)
    session.stop(within: 60_000)
    #expect(session.status.state == .stopped)
  }

  @Test("a full store pauses reading, and what came meanwhile follows when there is room")
  func storeFull() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let events = Events()
    let session = Session.testing(port: broker.port, sink: sink, events: events)
    session.start()
    try session.waitUntilSubscribed()
    try publish(["1"], to: broker.port)
    try eventually("the first is committed") { sink.committed.count == 1 }
    sink.accept(false)
    session.poke()
    try eventually("paused") { session.status.state == .paused }
    try publish((2...3000).map { "\($0)" }, to: broker.port)
    #expect(sink.appended == 1)
    sink.accept(true)
    session.poke()
    try eventually("all are committed") { sink.committed.count >= 3000 }
    session.stop(within: 5000)
    #expect(sink.texts == (1...3000).map { "\($0)" })
    #expect(events.contains { $0 == .paused } && events.contains { $0 == .resumed })
  }

  @Test("a full store at the start, or a connection that ends while it is full, waits for room before it connects")
  func storeFullWhileAway() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    sink.accept(false)
    let session = Session.testing(port: broker.port, sink: sink)
    session.start()
    try eventually("paused") { session.status.state == .paused }
    sink.accept(true)
    session.poke()
    try session.waitUntilSubscribed()
    sink.accept(false)
    session.poke()
    try eventually("paused") { session.status.state == .paused }
    broker.stop()
    try eventually("the end is noticed") { session.status.lastError != nil }
    try broker.start()
    #expect(session.status.state == .paused)
    sink.accept(true)
    session.poke()
    try eventually("connected again") { session.status.reconnects == 1 }
    session.stop(within: 5000)
  }

  @Test("stopping commits what was gathered and lets its acknowledgements out")
  func stopCommits() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let session = Session.testing(port: broker.port, sink: sink) { $0.commitInterval = 3_600_000 }
    session.start()
    try session.waitUntilSubscribed()
    try publish(["1", "2"], to: broker.port)
    try eventually("both are read") { sink.gatheredCount == 2 }
    session.stop(within: 10_000)
    #expect(sink.texts == ["1", "2"])
    let second = TestSink()
    let again = Session.testing(port: broker.port, sink: second)
    again.start()
    try again.waitUntilSubscribed()
    try publish(["3"], to: broker.port)
    try eventually("the next is committed") { !second.committed.isEmpty }
    again.stop(within: 5000)
    #expect(second.texts == ["3"])
  }

  @Test("stopping returns in time while a commit hangs, and nothing is acknowledged")
  func stopWhileCommitHangs() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    sink.set(.hangs)
    let session = Session.testing(port: broker.port, sink: sink)
    session.start()
    try session.waitUntilSubscribed()
    try publish(["1"], to: broker.port)
    try eventually("a commit is held") { sink.isHolding }
    session.stop(within: 100)
    // The thread sees the same end as the caller.
    try eventually("stopped") { session.status.state == .stopped }
    sink.release()
    let second = TestSink()
    let again = Session.testing(port: broker.port, sink: second)
    again.start()
    try eventually("it comes again") { second.texts == ["1"] }
    again.stop(within: 5000)
  }

  @Test("a commit that hangs closes the connection unwritten, and the next one waits for its outcome")
  func overdueCommit() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let events = Events()
    sink.set(.hangs)
    let session = Session.testing(port: broker.port, sink: sink, events: events) { $0.commitDeadline = 0 }
    session.start()
    try session.waitUntilSubscribed()
    try publish(["1"], to: broker.port)
    try eventually("overdue") { events.contains { $0 == .commitOverdue } }
    try eventually("waiting") { session.status.state == .waiting }
    #expect(events.connections == 1)
    sink.set(.commits)
    sink.release()
    try eventually("it came again, and was recognised") { session.status.redelivered == 1 }
    session.stop(within: 5000)
    #expect(sink.texts == ["1"])
    #expect(session.status.lastError == nil || session.status.lastError?.kind == .commit)
  }

  @Test("a reload subscribes and unsubscribes without dropping the session")
  func reload() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let events = Events()
    let session = Session.testing(port: broker.port, sink: sink, events: events, filters: ["a/#", "b/#"])
    session.start()
    try session.waitUntilSubscribed()
    try publish(["1"], to: broker.port, topic: "a/x")
    try eventually("the first is committed") { sink.committed.count == 1 }
    session.setFilters(["b/#", "c/#"])
    // The broker answers in order: once the new subscription delivers, the old one is gone.
    try eventually("the new subscription delivers") {
      try? publish(["2"], to: broker.port, topic: "c/x")
      return sink.committed.contains { $0.topic == "c/x" }
    }
    try publish(["lost"], to: broker.port, topic: "a/x")
    try publish(["3"], to: broker.port, topic: "b/x")
    try eventually("the last is committed") { sink.texts.last == "3" }
    session.stop(within: 5000)
    #expect(!sink.texts.contains("lost"))
    #expect(events.connections == 1)
  }

  @Test("retained messages come once, marked; and not again when we come back")
  func retained() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    try publish(["state"], to: broker.port, topic: "t/state", retain: true)
    let session = Session.testing(port: broker.port, sink: sink)
    session.start()
    try eventually("the state is committed") { sink.committed.count == 1 }
    #expect(sink.committed.first?.retained == true)
    try publish(["live"], to: broker.port, topic: "t/state", retain: true)
    try eventually("the change is committed") { sink.committed.count == 2 }
    #expect(sink.committed.last?.retained == false)
    session.stop(within: 5000)
    let second = TestSink()
    let again = Session.testing(port: broker.port, sink: second)
    again.start()
    try again.waitUntilSubscribed()
    try publish(["last"], to: broker.port)
    try eventually("the last is committed") { !second.committed.isEmpty }
    again.stop(within: 5000)
    #expect(second.texts == ["last"])
  }

  @Test("a message that is too large is counted and acknowledged, and those around it are stored")
  func oversized() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let events = Events()
    let session = Session.testing(port: broker.port, sink: sink, events: events) { $0.maxPayload = 10 }
    session.start()
    try session.waitUntilSubscribed()
    try publish(["1", "elevenbytes", "2", "tenbytes!!"], to: broker.port)
    try eventually("the others are committed") { sink.committed.count == 3 }
    session.stop(within: 5000)
    #expect(sink.texts == ["1", "2", "tenbytes!!"])
    #expect(session.status.oversized == 1)
    #expect(events.contains { $0 == .oversized(topic: "t/x", bytes: 11) })
    let again = Session.testing(port: broker.port, sink: sink)
    again.start()
    try again.waitUntilSubscribed()
    try publish(["3"], to: broker.port)
    try eventually("the last is committed") { sink.committed.count == 4 }
    again.stop(within: 5000)
    #expect(sink.texts.last == "3")
  }

  @Test("messages of QoS 0 are stored and counted, though nobody acknowledges them")
  func qos0() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let session = Session.testing(port: broker.port, sink: sink)
    session.start()
    try session.waitUntilSubscribed()
    let publisher = Publisher(configuration: PublisherConfiguration(address: broker.address, clientID: "p"))
    try publisher.connect(within: 10_000)
    try publisher.publish(topic: "t/x", payload: Array("0".utf8), qos: 0)
    #expect(publisher.flush(within: 10_000))
    publisher.close()
    try eventually("it is committed") { sink.committed.count == 1 }
    session.stop(within: 5000)
    #expect(sink.committed.first?.packetID == 0)
    #expect(session.status.receivedAtQoS0 == 1)
  }

  @Test("a filter that is none is shown, and the others go on")
  func invalidFilter() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let session = Session.testing(port: broker.port, sink: sink, filters: ["t/#", "bad/#/filter"])
    session.start()
    try session.waitUntilSubscribed()
    try publish(["1"], to: broker.port, topic: "t/x")
    try eventually("the good one delivers") { !sink.committed.isEmpty }
    session.stop(within: 5000)
    #expect(session.status.refusedSubscriptions.map(\.filter) == ["bad/#/filter"])
  }

  @Test("what the broker dropped is told")
  func dropped() throws {
    let broker = try TestBroker()
    let sink = TestSink()
    let session = Session.testing(port: broker.port, sink: sink)
    session.start()
    try eventually("the broker's count is known") { session.status.brokerDropped != nil }
    session.stop(within: 5000)
    #expect(session.status.brokerDropped == 0)
    // Never stored.
    #expect(sink.appended == 0)
  }

  @Test("a refused password says what helps, and a password that can't be read as well")
  func credentials() throws {
    let broker = try TestBroker(settings: ["allow_anonymous false"])
    let session = Session.testing(port: broker.port, sink: TestSink()) { $0.username = "x" }
    session.start()
    try eventually("told") { session.status.lastError?.kind == .refused }
    #expect(session.status.lastError?.cure.contains("password_file") == true)
    session.stop(within: 5000)
    let other = Session.testing(port: broker.port, sink: TestSink()) {
      $0.password = { throw TestFailure("no such file") }
    }
    other.start()
    try eventually("told") { other.status.lastError?.kind == .configuration }
    other.stop(within: 5000)
  }

  @Test("stopping before the start, and twice, is harmless")
  func stopTwice() throws {
    let session = Session.testing(port: 1, sink: TestSink())
    session.stop(within: 1000)
    #expect(session.status.state == .stopped)
    session.start()
    session.stop(within: 1000)
    #expect(session.status.state == .stopped)
  }
}
