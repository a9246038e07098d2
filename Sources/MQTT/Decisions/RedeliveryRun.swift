import Telemetry

/// Tells the messages that the broker sends again, because our acknowledgement was lost, from new ones.
///
/// A broker that still has our session sends what it holds unacknowledged first after a reconnect, in order, with the
/// same packet identifiers. So a message is a redelivery where the session was present and it belongs to the unbroken
/// run, from the connection's start, of messages that equal committed ones by identifier, topic and content, each
/// later than the one before. After the first that doesn't match, nothing on that connection is taken for a
/// redelivery: identifiers are used again, and two equal messages that were really sent twice must stay two.
///
/// What nobody can tell from here: a new message, first on a new connection, that has the identifier and the content
/// of the last one with that identifier, some 65,000 messages ago. It is taken for that one.
///
/// A broker never has two unacknowledged messages with the same identifier: the latest of each is all that can come
/// again, so what is remembered is bounded by the identifiers, at most 65,535.
struct RedeliveryRun: Hashable, Sendable {
  private struct Entry: Hashable, Sendable {
    var digest: UInt64
    /// Position in the order of commits, from 1; 0 where nothing is remembered.
    var position: UInt64
  }

  private struct Pending: Hashable, Sendable {
    var packetID: UInt16
    var digest: UInt64
  }

  /// By packet identifier; grows to the highest seen (1 MiB at most).
  private var remembered: [Entry] = []
  private var position: UInt64 = 0
  /// Read on this connection, in the order of reading, in no commit yet.
  private var pending: [Pending] = []
  /// In the commit that runs.
  private var committing: [Pending] = []
  /// The position of the last match; nil once the run is over.
  private var run: UInt64?

  /// A message that an earlier process committed; oldest first.
  mutating func remember(packetID: UInt16, digest: UInt64) {
    store(Pending(packetID: packetID, digest: digest))
  }

  /// A connection was accepted. Without the session nothing can come again, and what is remembered is of no use.
  mutating func connected(sessionPresent: Bool) {
    pending.removeAll(keepingCapacity: true)
    run = sessionPresent ? 0 : nil
    if !sessionPresent { remembered.removeAll() }
  }

  /// True where the message is already durable. Otherwise it counts as read, to be remembered with its commit.
  /// Only for messages that have an identifier.
  mutating func received(packetID: UInt16, digest: UInt64) -> Bool {
    if let last = run {
      let index = Int(packetID)
      if index < remembered.count, remembered[index].digest == digest, remembered[index].position > last {
        run = remembered[index].position
        return true
      }
      run = nil
    }
    pending.append(Pending(packetID: packetID, digest: digest))
    return false
  }

  /// What was read so far goes into a commit.
  mutating func commitStarted() {
    swap(&pending, &committing)
    pending.removeAll(keepingCapacity: true)
  }

  mutating func commitEnded(succeeded: Bool) {
    if succeeded {
      for message in committing { store(message) }
    }
    committing.removeAll(keepingCapacity: true)
  }

  /// What was read and not committed is gone.
  mutating func disconnected() {
    pending.removeAll(keepingCapacity: true)
    run = nil
  }

  private mutating func store(_ message: Pending) {
    let index = Int(message.packetID)
    if index >= remembered.count {
      let missing = index + 1 - remembered.count
      remembered.append(contentsOf: repeatElement(Entry(digest: 0, position: 0), count: missing))
    }
    position += 1
    remembered[index] = Entry(digest: message.digest, position: position)
  }

  /// 64 bits of topic and content, seeded anew in each process: enough to compare, and nobody outside can aim at a
  /// collision.
  static func digest(topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) -> UInt64 {
    hashing.hash(payload, salt: hashing.hash(topic))
  }

  private static let hashing = SeededHash()
}
