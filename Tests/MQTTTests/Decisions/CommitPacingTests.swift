import Testing

@testable import MQTT

private let millisecond: Int64 = 1_000_000

@Suite("When a batch is committed")
struct CommitPacingTests {
  private func pacing(
    interval: Int64 = 200, messages: Int = 2000, bytes: Int = 1_000_000, window: Int? = 65_535
  ) -> CommitPacing {
    var pacing = CommitPacing(
      interval: interval * millisecond, commitMessages: messages, commitBytes: bytes, largestMessage: 1000)
    pacing.connected(window: window, now: 0)
    return pacing
  }

  @Test("nothing gathered, nothing due")
  func empty() {
    var pacing = pacing()
    #expect(pacing.drained(now: 5 * millisecond) == .listen(until: nil))
  }

  @Test("what needs no commit makes none due")
  func recognisedOnly() {
    var pacing = pacing()
    pacing.received(bytes: 0, stored: false, now: 0)
    #expect(pacing.drained(now: 500 * millisecond) == .listen(until: nil))
    #expect(pacing.messages == 1)
  }

  @Test("a batch that is full of messages is committed at once")
  func fullOfMessages() {
    var pacing = pacing(messages: 3)
    for _ in 0..<3 { pacing.received(bytes: 1, stored: true, now: 0) }
    #expect(pacing.isFull)
    #expect(pacing.drained(now: 0) == .commit)
  }

  @Test("a batch is full while the largest message would still fit", arguments: [998, 999, 1000])
  func fullOfBytes(_ size: Int) {
    var pacing = pacing(bytes: 2000)
    pacing.received(bytes: size, stored: true, now: 0)
    #expect(pacing.isFull == (size >= 1000))
  }

  @Test("a limit below the largest message makes each message a batch")
  func tinyBytes() {
    var pacing = pacing(bytes: 10)
    #expect(!pacing.isFull)
    pacing.received(bytes: 1, stored: true, now: 0)
    #expect(pacing.isFull)
  }

  @Test("the first message never waits longer than the interval, and thin traffic rests until then")
  func interval() {
    var pacing = pacing()
    pacing.received(bytes: 100, stored: true, now: 10 * millisecond)
    #expect(pacing.drained(now: 10 * millisecond) == .rest(until: 110 * millisecond))
    #expect(pacing.drained(now: 60 * millisecond) == .rest(until: 160 * millisecond))
    #expect(pacing.drained(now: 160 * millisecond) == .rest(until: 210 * millisecond))
    #expect(pacing.drained(now: 210 * millisecond) == .commit)
  }

  @Test("the denser the traffic, the shorter the rest, down to none", arguments: [1, 10, 100, 1000, 10_000, 100_000])
  func rests(_ kilobytesPerSecond: Int) {
    var pacing = pacing(bytes: .max)
    var now: Int64 = 0
    for _ in 0..<3 {
      let before = now
      now += 10 * millisecond
      pacing.received(bytes: kilobytesPerSecond * 1000 * Int(now - before) / 1_000_000_000, stored: true, now: now)
      let step = pacing.drained(now: now)
      let expected = min(CommitPacing.longestRest, Int64(64 * 1024 * 1_000_000 / kilobytesPerSecond))
      guard expected >= millisecond else {
        #expect(step == .listen(until: 210 * millisecond))
        continue
      }
      guard case .rest(let until) = step else {
        Issue.record("\(step) is no rest")
        continue
      }
      // What arrives meanwhile fits into half of a fresh receive buffer.
      #expect((until - now) * Int64(kilobytesPerSecond) / 1_000_000 <= 64 * 1024 + 1)
      #expect(abs(until - now - expected) <= expected / 100 + millisecond)
    }
  }

  @Test("under MQTT 3.1.1 a batch goes as soon as the socket is dry with the window reached")
  func assumedWindow() {
    var pacing = pacing(window: nil)
    for _ in 0..<19 { pacing.received(bytes: 100, stored: true, now: 0) }
    // No rest: it would bound the throughput.
    #expect(pacing.drained(now: 0) == .listen(until: 200 * millisecond))
    pacing.received(bytes: 100, stored: true, now: millisecond)
    #expect(pacing.drained(now: millisecond) == .commit)
  }

  @Test("thin traffic under MQTT 3.1.1 still gathers for the interval")
  func thinUnderOldProtocol() {
    var pacing = pacing(window: nil)
    pacing.received(bytes: 100, stored: true, now: 0)
    #expect(pacing.drained(now: 100 * millisecond) == .listen(until: 200 * millisecond))
    #expect(pacing.drained(now: 200 * millisecond) == .commit)
  }

  @Test("more messages than the window allows prove that it is wider")
  func widerWindow() {
    var pacing = pacing(window: nil)
    for _ in 0..<21 { pacing.received(bytes: 100, stored: true, now: 0) }
    #expect(pacing.drained(now: 0) != .commit)
    #expect(pacing.window == .max)
  }

  @Test("recognised messages count towards the window: their acknowledgements are missing too")
  func recognisedFillWindow() {
    var pacing = pacing(window: nil)
    for _ in 0..<19 { pacing.received(bytes: 0, stored: false, now: 0) }
    pacing.received(bytes: 100, stored: true, now: 0)
    #expect(pacing.drained(now: 0) == .commit)
  }

  /// A broker that allows so many unacknowledged messages and always has more. Returns the commits that it took until
  /// a batch went before the interval was over.
  private func commitsToLearn(window: Int, in pacing: inout CommitPacing) -> Int? {
    var now: Int64 = 0
    for round in 1...10 {
      let start = now
      for _ in 0..<window { pacing.received(bytes: 100, stored: true, now: now) }
      loop: while true {
        switch pacing.drained(now: now) {
        case .commit: break loop
        case .rest(let until): now = until
        case .listen(let until): now = until ?? now
        }
      }
      if now - start < 20 * millisecond { return round }
      pacing.committing()
      now += 5 * millisecond
      pacing.released(now: now)
      now += millisecond / 2
    }
    return nil
  }

  @Test("a window that the broker doesn't tell is learned from three stalls", arguments: [1, 10, 20, 32, 500])
  func learnsWindow(_ window: Int) {
    var pacing = pacing()
    #expect(commitsToLearn(window: window, in: &pacing) == 4)
    #expect(pacing.window == window)
  }

  @Test("traffic that pauses by itself teaches no window")
  func pausesAreNoWindow() {
    var pacing = pacing()
    var now: Int64 = 0
    for _ in 0..<10 {
      for _ in 0..<20 { pacing.received(bytes: 100, stored: true, now: now) }
      while pacing.drained(now: now) != .commit { now += 50 * millisecond }
      pacing.committing()
      pacing.released(now: now)
      // The next come much later than an answer to the acknowledgements would.
      now += 300 * millisecond
    }
    #expect(pacing.window == 65_535)
  }

  @Test("a learned window is put to the test, and given up where more come")
  func unlearnsWindow() {
    var pacing = pacing()
    _ = commitsToLearn(window: 10, in: &pacing)
    var now: Int64 = 1_000_000_000_000
    var tested = false
    for _ in 0..<200 where !tested {
      pacing.released(now: now)
      for _ in 0..<10 { pacing.received(bytes: 100, stored: true, now: now) }
      if pacing.drained(now: now) == .commit {
        pacing.committing()
        now += 5 * millisecond
      } else {
        tested = true
        pacing.received(bytes: 100, stored: true, now: now + millisecond)
        _ = pacing.drained(now: now + millisecond)
      }
    }
    #expect(tested)
    #expect(pacing.window == 65_535)
  }

  /// One batch of even traffic: `count` messages for each drain, 50 ms apart.
  private func batch(_ count: Int, in pacing: inout CommitPacing, now: inout Int64) {
    repeat {
      now += 50 * millisecond
      for _ in 0..<count { pacing.received(bytes: 300, stored: true, now: now) }
    } while pacing.drained(now: now) != .commit
    pacing.committing()
    now += 5 * millisecond
  }

  @Test("where traffic is even it rests after the acknowledgements, too, and what comes meanwhile waits from then on")
  func restsAfterAcknowledgements() throws {
    var pacing = pacing()
    var now: Int64 = 0
    batch(5, in: &pacing, now: &now)
    let released = now
    #expect(pacing.released(now: released) == released + 100 * millisecond)
    pacing.received(bytes: 300, stored: true, now: released + 100 * millisecond)
    // Whenever in the rest it came: its interval is over at the latest when the first could be.
    #expect(pacing.drained(now: released + 100 * millisecond) == .rest(until: released + 200 * millisecond))
    #expect(pacing.drained(now: released + 200 * millisecond) == .commit)
  }

  @Test("a rest in which nothing came is no wait")
  func restInVain() {
    var pacing = pacing()
    var now: Int64 = 0
    batch(5, in: &pacing, now: &now)
    now = pacing.released(now: now) ?? 0
    #expect(pacing.drained(now: now) == .listen(until: nil))
    now += 300 * millisecond
    pacing.received(bytes: 300, stored: true, now: now)
    #expect(pacing.drained(now: now) == .rest(until: now + 100 * millisecond))
  }

  @Test(
    "it doesn't rest after acknowledgements where little came, where the socket had run dry, and where the broker waits"
  )
  func listensAfterAcknowledgements() {
    var few = pacing()
    var now: Int64 = 0
    few.received(bytes: 300, stored: true, now: 0)
    while few.drained(now: now) != .commit { now += 100 * millisecond }
    few.committing()
    #expect(few.released(now: now) == nil)

    var dry = pacing()
    now = 0
    for _ in 0..<100 { dry.received(bytes: 300, stored: true, now: 0) }
    while dry.drained(now: now) != .commit { now += 50 * millisecond }
    dry.committing()
    #expect(dry.released(now: now) == nil)

    var old = pacing(window: nil)
    now = 0
    batch(2, in: &old, now: &now)
    #expect(old.released(now: now) == nil)
  }

  @Test("a rest is no longer than the interval")
  func shortInterval() {
    var pacing = pacing(interval: 20)
    var now: Int64 = 0
    for _ in 0..<5 { pacing.received(bytes: 300, stored: true, now: now) }
    now += 20 * millisecond
    pacing.received(bytes: 300, stored: true, now: now)
    #expect(pacing.drained(now: now) == .commit)
    pacing.committing()
    #expect(pacing.released(now: now) == now + 20 * millisecond)
  }

  @Test("a new connection forgets what the old one gathered and learned")
  func reconnect() {
    var pacing = pacing()
    _ = commitsToLearn(window: 10, in: &pacing)
    pacing.received(bytes: 100, stored: true, now: 0)
    pacing.connected(window: 65_535, now: 0)
    #expect(pacing.window == 65_535)
    #expect(pacing.messages == 0)
    #expect(pacing.drained(now: 1_000_000 * millisecond) == .listen(until: nil))
  }
}
