/// The discipline of acknowledgement: what may happen next on a connection, so that no acknowledgement leaves before
/// the commit that holds its message.
///
/// libmosquitto queues the PUBACK of a message before it hands the message over, and writes its whole queue at the
/// next write. So the queue may be written only while every message that was read is durable:
///
///     reading ──▶ committing ──▶ writing ──▶ reading …
///
/// Nothing is written while a message waits for its commit, nothing is read while a commit runs (its
/// acknowledgements would join the queue that the commit is about to release) or while the queue is half written,
/// and after a commit that failed or is overdue nothing is written on that connection any more: only closing it
/// throws away the acknowledgements that wait.
///
/// A value without I/O. The caller asks what it may do, does it, and tells what happened.
struct AckGate: Hashable, Sendable {
  enum Connection: Hashable, Sendable {
    case closed
    /// The socket is open, the broker hasn't accepted yet: no message can have come.
    case handshake
    case open
    /// Open, but must be closed without a write.
    case condemned
  }

  private(set) var connection = Connection.closed
  /// Messages read on this connection that are durable nowhere yet and are in no commit.
  private(set) var uncommitted = 0
  /// Until when the running commit may take; nil where none runs. It may belong to an earlier connection.
  private(set) var commitDeadline: Int64?
  /// The queue was released, or is half written: it must be empty before anything is read.
  private(set) var owesWrite = false

  // MARK: What may be done

  /// The outcome of an earlier connection's commit decides what the next one may take for a redelivery.
  var mayConnect: Bool { connection == .closed && commitDeadline == nil }

  var mayRead: Bool {
    switch connection {
    case .handshake: true
    case .open: commitDeadline == nil && !owesWrite
    case .closed, .condemned: false
    }
  }

  var mayWrite: Bool {
    switch connection {
    case .handshake, .open: commitDeadline == nil && uncommitted == 0
    case .closed, .condemned: false
    }
  }

  var mayCommit: Bool { connection == .open && commitDeadline == nil && uncommitted > 0 }

  var isCommitting: Bool { commitDeadline != nil }

  // MARK: What happened

  mutating func opened() {
    connection = .handshake
    uncommitted = 0
    owesWrite = false
  }

  /// The broker accepted.
  mutating func established() {
    if connection == .handshake { connection = .open }
  }

  /// A message was read and handed on; its acknowledgement waits in the library's queue.
  mutating func appended() { uncommitted += 1 }

  mutating func commitStarted(deadline: Int64) {
    uncommitted = 0
    commitDeadline = deadline
  }

  /// The running commit ended, on whatever connection it began.
  mutating func commitEnded(succeeded: Bool) {
    commitDeadline = nil
    guard connection == .open else { return }
    if succeeded {
      owesWrite = true
    } else {
      connection = .condemned
    }
  }

  /// Condemns the connection whose commit takes too long; the commit itself goes on. True at the moment of doing so.
  mutating func checkDeadline(now: Int64) -> Bool {
    guard connection == .open, let commitDeadline, now >= commitDeadline else { return false }
    connection = .condemned
    return true
  }

  /// The library's queue was written, wholly or in part.
  mutating func wrote(finished: Bool) { owesWrite = !finished }

  /// The socket is closed, by whomever. True where the sink must throw away what was appended since its last commit.
  mutating func closed() -> Bool {
    defer {
      connection = .closed
      uncommitted = 0
      owesWrite = false
    }
    return uncommitted > 0
  }
}
