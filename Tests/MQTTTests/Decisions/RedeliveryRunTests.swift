import Testing

@testable import MQTT

@Suite("Which messages are redeliveries")
struct RedeliveryRunTests {
  /// Reads and commits on a connection of its own.
  private func committed(_ messages: [(UInt16, UInt64)]) -> RedeliveryRun {
    var run = RedeliveryRun()
    run.connected(sessionPresent: false)
    for (id, digest) in messages { #expect(run.received(packetID: id, digest: digest) == false) }
    run.commitStarted()
    run.commitEnded(succeeded: true)
    run.disconnected()
    return run
  }

  @Test("what was committed and comes again first is recognised, in order")
  func recognised() {
    var run = committed([(1, 11), (2, 12), (3, 13)])
    run.connected(sessionPresent: true)
    #expect(run.received(packetID: 2, digest: 12) == true)
    #expect(run.received(packetID: 3, digest: 13) == true)
    #expect(run.received(packetID: 4, digest: 14) == false)
  }

  @Test("without the session nothing is a redelivery, then or later")
  func sessionGone() {
    var run = committed([(1, 11)])
    run.connected(sessionPresent: false)
    #expect(run.received(packetID: 1, digest: 11) == false)
    run.disconnected()
    run.connected(sessionPresent: true)
    #expect(run.received(packetID: 1, digest: 11) == false)
  }

  @Test("after the first mismatch nothing is taken for a redelivery")
  func firstMismatchEndsTheRun() {
    var run = committed([(1, 11), (2, 12), (3, 13)])
    run.connected(sessionPresent: true)
    #expect(run.received(packetID: 1, digest: 11) == true)
    #expect(run.received(packetID: 2, digest: 99) == false)
    #expect(run.received(packetID: 3, digest: 13) == false)
  }

  @Test("matching goes forward only")
  func forwardOnly() {
    var run = committed([(1, 11), (2, 12)])
    run.connected(sessionPresent: true)
    #expect(run.received(packetID: 2, digest: 12) == true)
    #expect(run.received(packetID: 1, digest: 11) == false)
  }

  @Test("two equal messages stay two: the second has another identifier, or comes after its first")
  func twins() {
    var run = committed([(1, 11)])
    run.connected(sessionPresent: true)
    #expect(run.received(packetID: 1, digest: 11) == true)
    #expect(run.received(packetID: 1, digest: 11) == false)
    #expect(run.received(packetID: 2, digest: 11) == false)
  }

  @Test("what a failed commit held is not remembered")
  func failedCommit() {
    var run = RedeliveryRun()
    run.connected(sessionPresent: false)
    #expect(run.received(packetID: 1, digest: 11) == false)
    run.commitStarted()
    run.commitEnded(succeeded: false)
    run.connected(sessionPresent: true)
    #expect(run.received(packetID: 1, digest: 11) == false)
  }

  @Test("a commit that succeeds after its connection broke counts")
  func lateCommit() {
    var run = RedeliveryRun()
    run.connected(sessionPresent: false)
    #expect(run.received(packetID: 1, digest: 11) == false)
    run.commitStarted()
    run.disconnected()
    run.commitEnded(succeeded: true)
    run.connected(sessionPresent: true)
    #expect(run.received(packetID: 1, digest: 11) == true)
  }

  @Test("what was read and not committed before the connection broke is not remembered")
  func uncommitted() {
    var run = RedeliveryRun()
    run.connected(sessionPresent: false)
    #expect(run.received(packetID: 1, digest: 11) == false)
    run.disconnected()
    run.connected(sessionPresent: true)
    #expect(run.received(packetID: 1, digest: 11) == false)
    run.commitStarted()
    run.commitEnded(succeeded: true)
  }

  @Test("a redelivery that isn't acknowledged either is recognised again, as often as it comes")
  func again() {
    var run = committed([(1, 11), (2, 12)])
    for _ in 0..<3 {
      run.connected(sessionPresent: true)
      #expect(run.received(packetID: 1, digest: 11) == true)
      #expect(run.received(packetID: 2, digest: 12) == true)
      run.disconnected()
    }
  }

  @Test("what an earlier process committed is recognised")
  func remembered() {
    var run = RedeliveryRun()
    run.remember(packetID: 65_535, digest: 1)
    run.remember(packetID: 1, digest: 2)
    run.connected(sessionPresent: true)
    #expect(run.received(packetID: 65_535, digest: 1) == true)
    #expect(run.received(packetID: 1, digest: 2) == true)
    #expect(run.received(packetID: 2, digest: 2) == false)
  }

  @Test("the latest message under an identifier replaces the one before: the broker holds only one")
  func latestOfEachIdentifier() {
    var run = committed([(1, 11), (2, 12), (1, 13)])
    var other = run
    run.connected(sessionPresent: true)
    #expect(run.received(packetID: 2, digest: 12) == true)
    #expect(run.received(packetID: 1, digest: 13) == true)
    other.connected(sessionPresent: true)
    #expect(other.received(packetID: 1, digest: 11) == false)
  }

  @Test("topic and payload are told apart, and each bit counts")
  func digest() {
    func digest(_ topic: String, _ payload: String) -> UInt64 {
      Array(topic.utf8).withUnsafeBytes { t in
        Array(payload.utf8).withUnsafeBytes { p in RedeliveryRun.digest(topic: t, payload: p) }
      }
    }
    #expect(digest("a/b", "c") == digest("a/b", "c"))
    #expect(digest("a/b", "c") != digest("a/", "bc"))
    #expect(digest("a/b", "c") != digest("a/b", "d"))
    #expect(digest("a/b", "") != digest("a/b", "\0"))
  }

  /// A broker with rising identifiers that delivers in order, over connections that break at random; acknowledgements
  /// are lost at random from the end. The contents are so few that twins abound.
  @Test("against a model broker each message is stored exactly once", arguments: 0..<200)
  func modelBroker(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var run = RedeliveryRun()
    var unacknowledged: [(id: UInt16, number: Int, content: UInt64)] = []
    var stored: [Int: Int] = [:]
    var published = 0
    for connection in 0..<30 {
      run.connected(sessionPresent: connection > 0)
      var delivered = 0
      var read = 0
      var batch: [Int] = []
      for _ in 0..<Int.random(in: 0..<60, using: &random) {
        switch Int.random(in: 0..<4, using: &random) {
        case 0, 1:
          published += 1
          unacknowledged.append((UInt16(published % 65_535 + 1), published, UInt64.random(in: 0..<3, using: &random)))
        case 2 where delivered < unacknowledged.count:
          let message = unacknowledged[delivered]
          delivered += 1
          read += 1
          if !run.received(packetID: message.id, digest: message.content) { batch.append(message.number) }
        case 3:
          run.commitStarted()
          let succeeded = Int.random(in: 0..<8, using: &random) > 0
          run.commitEnded(succeeded: succeeded)
          if succeeded {
            for number in batch { stored[number, default: 0] += 1 }
            // Some of the acknowledgements arrive.
            let arrived = Int.random(in: 0...read, using: &random)
            let isWhole = arrived == read
            unacknowledged.removeFirst(arrived)
            delivered -= arrived
            read -= arrived
            batch = []
            if isWhole { continue }
          }
          run.disconnected()
          batch = []
          delivered = .max
        default: break
        }
        if delivered == .max { break }
      }
      run.disconnected()
    }
    let waiting = Set(unacknowledged.map(\.number))
    for number in 1...max(published, 1) where number <= published {
      let count = stored[number] ?? 0
      #expect(count <= 1)
      #expect(count == 1 || waiting.contains(number))
    }
  }
}
