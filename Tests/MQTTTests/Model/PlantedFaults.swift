@testable import MQTT

/// A gate that passes everything on; each fault overrides one thing.
protocol FaultyGate: Gate {
  var real: AckGate { get set }
}

extension FaultyGate {
  var connection: AckGate.Connection { real.connection }
  var isCommitting: Bool { real.isCommitting }
  var mayConnect: Bool { real.mayConnect }
  var mayRead: Bool { real.mayRead }
  var mayWrite: Bool { real.mayWrite }
  var mayCommit: Bool { real.mayCommit }
  mutating func opened() { real.opened() }
  mutating func established() { real.established() }
  mutating func appended() { real.appended() }
  mutating func commitStarted(deadline: Int64) { real.commitStarted(deadline: deadline) }
  mutating func commitEnded(succeeded: Bool) { real.commitEnded(succeeded: succeeded) }
  mutating func checkDeadline(now: Int64) -> Bool { real.checkDeadline(now: now) }
  mutating func wrote(finished: Bool) { real.wrote(finished: finished) }
  mutating func closed() -> Bool { real.closed() }
}

struct WritesBeforeCommit: FaultyGate {
  var real = AckGate()
  var mayWrite: Bool { real.connection == .open && !real.isCommitting }
}

struct WritesWhileCommitting: FaultyGate {
  var real = AckGate()
  var mayWrite: Bool { real.connection == .open && real.uncommitted == 0 }
}

/// The half that was left would later go out with acknowledgements of messages that no commit holds.
struct ReadsWhileHalfWritten: FaultyGate {
  var real = AckGate()
  var halfWritten = false
  var mayRead: Bool { real.connection == .open && !real.isCommitting }
  var mayWrite: Bool { halfWritten || real.mayWrite }
  mutating func wrote(finished: Bool) {
    halfWritten = !finished
    real.wrote(finished: finished)
  }
  mutating func opened() {
    halfWritten = false
    real.opened()
  }
}

struct ReadsWhileCommitting: FaultyGate {
  var real = AckGate()
  var read = 0
  var mayRead: Bool { real.connection == .open }
  /// Takes the commit that ends for one of everything that was read.
  var mayWrite: Bool { real.connection == .open && !real.isCommitting && read == 0 }
  var mayCommit: Bool { real.connection == .open && !real.isCommitting && read > 0 }
  mutating func appended() { read += 1 }
  mutating func commitStarted(deadline: Int64) { real.commitStarted(deadline: deadline) }
  mutating func commitEnded(succeeded: Bool) {
    read = 0
    real.commitEnded(succeeded: succeeded)
  }
}

struct KeepsAcknowledgementsAfterFailure: FaultyGate {
  var real = AckGate()
  mutating func commitEnded(succeeded: Bool) { real.commitEnded(succeeded: true) }
}

struct WritesWhenOverdue: FaultyGate {
  var real = AckGate()
  var overdue = false
  var mayWrite: Bool { overdue || real.mayWrite }
  mutating func checkDeadline(now: Int64) -> Bool {
    overdue = true
    return false
  }
}

/// What is sent again is not yet known to be committed.
struct ConnectsDuringCommit: FaultyGate {
  var real = AckGate()
  var mayConnect: Bool { real.connection == .closed }
  var mayRead: Bool { real.connection == .open && !real.owesWrite }
}

struct DiscardsNothing: FaultyGate {
  var real = AckGate()
  mutating func closed() -> Bool {
    _ = real.closed()
    return false
  }
}

/// A recogniser that passes everything on; each fault overrides one thing.
protocol FaultyRecogniser: Recogniser {
  var real: RedeliveryRun { get set }
}

extension FaultyRecogniser {
  mutating func connected(sessionPresent: Bool) { real.connected(sessionPresent: sessionPresent) }
  mutating func received(packetID: UInt16, digest: UInt64) -> Bool {
    real.received(packetID: packetID, digest: digest)
  }
  mutating func commitStarted() { real.commitStarted() }
  mutating func commitEnded(succeeded: Bool) { real.commitEnded(succeeded: succeeded) }
  mutating func disconnected() { real.disconnected() }
}

struct RecognisesNothing: FaultyRecogniser {
  var real = RedeliveryRun()
  mutating func received(packetID: UInt16, digest: UInt64) -> Bool { false }
}

/// Compares all through the connection, not only in the run at its start.
struct RecognisesForEver: FaultyRecogniser {
  var real = RedeliveryRun()
  var known: [UInt16: UInt64] = [:]
  var pending: [UInt16: UInt64] = [:]
  mutating func received(packetID: UInt16, digest: UInt64) -> Bool {
    if known[packetID] == digest { return true }
    pending[packetID] = digest
    return false
  }
  mutating func connected(sessionPresent: Bool) {}
  mutating func commitEnded(succeeded: Bool) {
    if succeeded { known.merge(pending) { $1 } }
    pending = [:]
  }
  mutating func disconnected() { pending = [:] }
}

/// Remembers what was read, whether its commit succeeded or not.
struct RemembersTheUncommitted: FaultyRecogniser {
  var real = RedeliveryRun()
  mutating func commitEnded(succeeded: Bool) { real.commitEnded(succeeded: true) }
}
