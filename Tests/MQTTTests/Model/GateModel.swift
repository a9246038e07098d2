@testable import MQTT

/// What the checker needs of a gate, so that faults can be planted in it.
protocol Gate: Hashable {
  init()
  var connection: AckGate.Connection { get }
  var isCommitting: Bool { get }
  var mayConnect: Bool { get }
  var mayRead: Bool { get }
  var mayWrite: Bool { get }
  var mayCommit: Bool { get }
  mutating func opened()
  mutating func established()
  mutating func appended()
  mutating func commitStarted(deadline: Int64)
  mutating func commitEnded(succeeded: Bool)
  mutating func checkDeadline(now: Int64) -> Bool
  mutating func wrote(finished: Bool)
  mutating func closed() -> Bool
}

extension AckGate: Gate {}

/// Which messages a connection recognises; the real one, or one with a planted fault.
protocol Recogniser: Hashable {
  init()
  mutating func connected(sessionPresent: Bool)
  mutating func received(packetID: UInt16, digest: UInt64) -> Bool
  mutating func commitStarted()
  mutating func commitEnded(succeeded: Bool)
  mutating func disconnected()
}

extension RedeliveryRun: Recogniser {}

/// What may go wrong in a world.
enum Weather: Hashable {
  /// Connections break, commits fail and hang. Identifiers rise, as brokers count them: with one that is used again
  /// for the same content, right after a connection broke, nobody could tell a new message from an old one.
  case storm
  /// Nothing breaks, and the broker uses the lowest free identifier, so that each is used again as soon as can be.
  case calm
}

/// The world around a gate, in small: a broker that sends a few messages, the library's queue, the socket, a sink
/// and a disk, and everything that may happen between them, in any order.
struct World<G: Gate, R: Recogniser>: Hashable {
  enum Event: Hashable, CustomStringConvertible {
    case connect, accept, read, commit, commitSucceeds, commitFails, commitTimesOut, write, writeHalf, cut, brokerReads
    case publish

    var description: String {
      switch self {
      case .connect: "connect"
      case .accept: "accept"
      case .read: "read"
      case .commit: "commit"
      case .commitSucceeds: "commit succeeds"
      case .commitFails: "commit fails"
      case .commitTimesOut: "commit times out"
      case .write: "write"
      case .writeHalf: "write half"
      case .cut: "cut"
      case .brokerReads: "broker reads"
      case .publish: "publish"
      }
    }
  }

  struct Message: Hashable {
    var id: UInt16
    /// Tells every message from every other; the content may be the same.
    var number: Int
    var content: UInt64
  }

  let contents: [UInt64]
  let weather: Weather
  var gate = G()
  var run = R()

  // The broker.
  var published = 0
  var unacknowledged: [Message] = []
  /// Of these, so many were sent on this connection.
  var sent = 0
  var everAccepted = false

  // Our side.
  var queue: [Message] = []
  /// Written to the socket, not yet read by the broker.
  var wire: [Message] = []
  var appended: [Message] = []
  var committing: [Message] = []
  var disk: [Message] = []

  init(contents: [UInt64], weather: Weather) {
    self.contents = contents
    self.weather = weather
  }

  var possible: [Event] {
    var events: [Event] = []
    if published < contents.count { events.append(.publish) }
    if gate.mayConnect { events.append(.connect) }
    if gate.connection == .handshake { events.append(.accept) }
    if gate.connection == .open, gate.mayRead, sent < unacknowledged.count { events.append(.read) }
    if gate.mayCommit { events.append(.commit) }
    if gate.isCommitting {
      events.append(.commitSucceeds)
      if weather == .storm { events.append(.commitFails) }
      if weather == .storm, gate.connection == .open { events.append(.commitTimesOut) }
    }
    if gate.connection != .closed, gate.mayWrite {
      events.append(.write)
      if queue.count > 1 { events.append(.writeHalf) }
    }
    if weather == .storm, gate.connection != .closed { events.append(.cut) }
    if !wire.isEmpty { events.append(.brokerReads) }
    return events
  }

  /// Nil where all is well; otherwise what was broken.
  mutating func apply(_ event: Event) -> String? {
    switch event {
    case .publish:
      let used = Set(unacknowledged.map(\.id))
      let lowest = (1...UInt16.max).first { !used.contains($0) } ?? 1
      let id = weather == .calm ? lowest : UInt16(published + 1)
      unacknowledged.append(Message(id: id, number: published, content: contents[published]))
      published += 1
    case .connect:
      gate.opened()
      queue = []
      sent = 0
    case .accept:
      gate.established()
      run.connected(sessionPresent: everAccepted)
      everAccepted = true
    case .read:
      let message = unacknowledged[sent]
      sent += 1
      // As the library does it: the acknowledgement is queued before the message is handed over.
      queue.append(message)
      if !run.received(packetID: message.id, digest: message.content) {
        gate.appended()
        appended.append(message)
      }
    case .commit:
      gate.commitStarted(deadline: 1)
      run.commitStarted()
      committing = appended
      appended = []
    case .commitSucceeds, .commitFails:
      let succeeded = event == .commitSucceeds
      if succeeded { disk += committing }
      committing = []
      gate.commitEnded(succeeded: succeeded)
      run.commitEnded(succeeded: succeeded)
      if gate.connection == .condemned { return close() }
    case .commitTimesOut:
      if gate.checkDeadline(now: 2) { return close() }
    case .write: return write(queue.count)
    case .writeHalf: return write(1)
    case .cut:
      // What the kernel has may arrive or not.
      wire = []
      return close()
    case .brokerReads:
      let message = wire.removeFirst()
      // A broker takes an acknowledgement for whatever it holds under that identifier.
      unacknowledged.removeAll { $0.id == message.id }
      sent = max(0, sent - 1)
    }
    return verdict
  }

  private mutating func write(_ count: Int) -> String? {
    for message in queue.prefix(count) where !disk.contains(where: { $0.number == message.number }) {
      return "the acknowledgement of \(message.number) left before its commit"
    }
    wire += queue.prefix(count)
    queue.removeFirst(count)
    gate.wrote(finished: queue.isEmpty)
    return verdict
  }

  private mutating func close() -> String? {
    if gate.closed() { appended = [] }
    run.disconnected()
    // The acknowledgements that reached the broker before it noticed the end.
    for message in wire { unacknowledged.removeAll { $0.id == message.id } }
    wire = []
    queue = []
    sent = 0
    return verdict
  }

  private var verdict: String? {
    var numbers = Set<Int>()
    for message in disk where !numbers.insert(message.number).inserted {
      return "message \(message.number) is on disk twice"
    }
    let held = Set(unacknowledged.map(\.number))
    for number in 0..<published where !held.contains(number) && !numbers.contains(number) {
      return "message \(number) is with nobody"
    }
    return nil
  }
}

/// Visits every state that can be reached, breadth first, so that a fault is told by its shortest story.
struct Checker<G: Gate, R: Recogniser> {
  private(set) var states = 0
  private(set) var fault: String?
  private(set) var finished = 0
  /// No state that can be reached was left out.
  private(set) var isComplete = false

  init(contents: [UInt64], weather: Weather, depth: Int) {
    typealias State = World<G, R>
    var seen: Set<State> = []
    // A state and how it was reached: the index of the one before, and the event between.
    var stories: [(before: Int, event: State.Event)] = []
    let start = State(contents: contents, weather: weather)
    seen.insert(start)
    var frontier: [(State, Int)] = [(start, -1)]
    for _ in 0..<depth {
      var next: [(State, Int)] = []
      for (state, story) in frontier {
        for event in state.possible {
          var after = state
          let verdict = after.apply(event)
          if let verdict {
            var events = [event]
            var at = story
            while at >= 0 {
              events.append(stories[at].event)
              at = stories[at].before
            }
            fault = verdict + ": " + events.reversed().map(\.description).joined(separator: ", ")
            states = seen.count
            return
          }
          if seen.insert(after).inserted {
            stories.append((story, event))
            next.append((after, stories.count - 1))
            if after.disk.count == contents.count, after.unacknowledged.isEmpty { finished += 1 }
          }
        }
      }
      frontier = next
      if frontier.isEmpty { break }
    }
    states = seen.count
    isComplete = frontier.isEmpty
  }
}
