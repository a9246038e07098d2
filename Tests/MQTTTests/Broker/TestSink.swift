import Glibc
import Synchronization

@testable import MQTT

/// Keeps what is committed in memory, and does with commits what it is told.
final class TestSink: MessageSink, Sendable {
  struct Message: Hashable, Sendable {
    var topic: String
    var payload: [UInt8]
    var packetID: UInt16
    var qos: UInt8
    var retained: Bool
  }

  enum Mood: Sendable {
    case commits
    case fails
    /// Keeps the completion back until `release`.
    case hangs
  }

  private struct State {
    var gathered: [Message] = []
    var committed: [Message] = []
    var held: [([Message], @Sendable (Result<Void, any Error>) -> Void)] = []
    var mood = Mood.commits
    var accepts = true
    var commits: [Int] = []
    var discards = 0
    var appended = 0
  }
  private let state = Mutex(State())

  var committed: [Message] { state.withLock { $0.committed } }
  var texts: [String] { committed.map { String(decoding: $0.payload, as: UTF8.self) } }
  var gatheredCount: Int { state.withLock { $0.gathered.count } }
  var appended: Int { state.withLock { $0.appended } }
  var heldCount: Int { state.withLock { $0.held.reduce(0) { $0 + $1.0.count } } }
  var isHolding: Bool { state.withLock { !$0.held.isEmpty } }
  var discards: Int { state.withLock { $0.discards } }
  /// The sizes of the commits.
  var commits: [Int] { state.withLock { $0.commits } }

  func set(_ mood: Mood) { state.withLock { $0.mood = mood } }
  func accept(_ accepts: Bool) { state.withLock { $0.accepts = accepts } }

  /// Ends the commits that were held.
  func release(succeeded: Bool = true) {
    let held = state.withLock { state in
      defer { state.held = [] }
      if succeeded { for (messages, _) in state.held { state.committed += messages } }
      return state.held
    }
    for (_, completion) in held { completion(succeeded ? .success(()) : .failure(TestFailure("the disk is gone"))) }
  }

  func append(_ message: borrowing IncomingMessage) {
    let copy = Message(
      topic: String(decoding: message.topic, as: UTF8.self), payload: Array(message.payload),
      packetID: message.packetID, qos: message.qos, retained: message.retained)
    state.withLock {
      $0.gathered.append(copy)
      $0.appended += 1
    }
  }

  func commit(completion: @escaping @Sendable (Result<Void, any Error>) -> Void) {
    let result: Result<Void, any Error>? = state.withLock { state in
      let batch = state.gathered
      state.gathered = []
      state.commits.append(batch.count)
      switch state.mood {
      case .commits:
        state.committed += batch
        return .success(())
      case .fails: return .failure(TestFailure("the disk is full"))
      case .hangs:
        state.held.append((batch, completion))
        return nil
      }
    }
    if let result { completion(result) }
  }

  func discard() {
    state.withLock {
      $0.gathered = []
      $0.discards += 1
    }
  }

  var acceptsMessages: Bool { state.withLock { $0.accepts } }
}

/// Collects events.
final class Events: Sendable {
  private let list = Mutex<[SessionEvent]>([])
  var all: [SessionEvent] { list.withLock { $0 } }
  func take(_ event: SessionEvent) { list.withLock { $0.append(event) } }
  func contains(_ test: (SessionEvent) -> Bool) -> Bool { all.contains(where: test) }
  var connections: Int {
    all.count { if case .connected = $0 { true } else { false } }
  }
}

extension Session {
  /// A session for a test: quick commits.
  static func testing(
    port: Int, sink: TestSink, events: Events = Events(), filters: [String] = ["t/#"], id: String = "gateway",
    change: (inout SessionConfiguration) -> Void = { _ in }
  ) -> Session {
    var configuration = SessionConfiguration(
      address: BrokerAddress(host: "127.0.0.1", port: port), clientID: id, filters: filters, commitInterval: 20)
    change(&configuration)
    return Session(configuration: configuration, sink: sink) { events.take($0) }
  }

  func waitUntilConnected() throws {
    try eventually("the session is connected: \(status)") { status.state == .connected }
  }

  /// What is published from now on is delivered.
  func waitUntilSubscribed() throws {
    try eventually("the session is subscribed: \(status)") { status.state == .connected && status.isSubscribed }
  }
}

/// Publishes texts, all acknowledged on return.
func publish(_ texts: some Sequence<String>, to port: Int, topic: String = "t/x", retain: Bool = false) throws {
  let publisher = Publisher(
    configuration: PublisherConfiguration(
      address: BrokerAddress(host: "127.0.0.1", port: port), clientID: "publisher-\(UInt32.random(in: 0 ... .max))"))
  try publisher.connect(within: 10_000)
  for text in texts { try publisher.publish(topic: topic, payload: Array(text.utf8), retain: retain) }
  guard publisher.flush(within: 30_000) else { throw TestFailure("\(publisher.outstanding) messages unacknowledged") }
  publisher.close()
}
