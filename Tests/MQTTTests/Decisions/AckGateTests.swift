import Testing

@testable import MQTT

@Suite("What may happen next on a connection")
struct AckGateTests {
  private func open() -> AckGate {
    var gate = AckGate()
    gate.opened()
    gate.established()
    return gate
  }

  @Test("closed, only connecting is left")
  func closed() {
    let gate = AckGate()
    #expect(gate.mayConnect && !gate.mayRead && !gate.mayWrite && !gate.mayCommit)
  }

  @Test("before the broker's answer both ways are open: no message can have come")
  func handshake() {
    var gate = AckGate()
    gate.opened()
    #expect(!gate.mayConnect && gate.mayRead && gate.mayWrite && !gate.mayCommit)
  }

  @Test("with nothing read, pings and subscriptions may go out")
  func idle() {
    let gate = open()
    #expect(gate.mayRead && gate.mayWrite && !gate.mayCommit)
  }

  @Test("one message closes the way out until its commit")
  func read() {
    var gate = open()
    gate.appended()
    #expect(gate.mayRead && !gate.mayWrite && gate.mayCommit)
    gate.commitStarted(deadline: 10)
    #expect(!gate.mayRead && !gate.mayWrite && !gate.mayCommit)
    gate.commitEnded(succeeded: true)
    #expect(!gate.mayRead && gate.mayWrite && !gate.mayCommit)
    gate.wrote(finished: false)
    #expect(!gate.mayRead && gate.mayWrite)
    gate.wrote(finished: true)
    #expect(gate.mayRead && gate.mayWrite)
  }

  @Test("after a failed commit only closing is left, and nothing is to be discarded any more")
  func failed() {
    var gate = open()
    gate.appended()
    gate.commitStarted(deadline: 10)
    gate.commitEnded(succeeded: false)
    #expect(gate.connection == .condemned)
    #expect(!gate.mayConnect && !gate.mayRead && !gate.mayWrite && !gate.mayCommit)
    #expect(gate.closed() == false)
    #expect(gate.mayConnect)
  }

  @Test("an overdue commit condemns its connection once, and holds up the next until it ends")
  func overdue() {
    var gate = open()
    gate.appended()
    gate.commitStarted(deadline: 10)
    #expect(gate.checkDeadline(now: 9) == false)
    #expect(gate.checkDeadline(now: 10) == true)
    #expect(gate.checkDeadline(now: 11) == false)
    #expect(gate.closed() == false)
    #expect(!gate.mayConnect)
    gate.commitEnded(succeeded: true)
    #expect(gate.mayConnect && gate.connection == .closed)
  }

  @Test("a connection that breaks with messages in the sink has them discarded")
  func broke() {
    var gate = open()
    gate.appended()
    #expect(gate.closed() == true)
    gate.opened()
    gate.established()
    #expect(!gate.mayCommit)
  }

  @Test("a connection that breaks during a commit leaves nothing to discard")
  func brokeWhileCommitting() {
    var gate = open()
    gate.appended()
    gate.commitStarted(deadline: 10)
    #expect(gate.closed() == false)
    #expect(!gate.mayConnect)
    gate.commitEnded(succeeded: false)
    #expect(gate.mayConnect)
  }
}
