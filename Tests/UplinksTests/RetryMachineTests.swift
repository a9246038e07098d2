import Telemetry
import Testing

@testable import Uplinks

@Suite("Retry machine")
struct RetryMachineTests {
  private static let policy = RetryPolicy()

  private func machine(_ encoding: UplinkDefinition.Compression = .gzip, seed: UInt64 = 1) -> RetryMachine {
    RetryMachine(policy: Self.policy, encoding: encoding, seed: seed)
  }

  private func answer(_ status: Int, records: Int = 10, retryAfter: Span? = nil) -> RetryMachine.Event {
    .answered(status: status, records: records, retryAfter: retryAfter)
  }

  @Test("every 2xx is a delivery", arguments: 200...299)
  func delivered(status: Int) {
    var machine = machine()
    #expect(machine.event(answer(status), at: .zero) == .delivered)
    #expect(machine.state == .ready && machine.fault == nil)
  }

  @Test("no answer but 2xx is a delivery, and none drops more than a lone record", arguments: 100...599)
  func othersKeep(status: Int) {
    guard !(200...299).contains(status) else { return }
    var machine = machine()
    let action = machine.event(answer(status), at: .zero)
    #expect(action == .wait || action == .halve)
  }

  @Test("what passes by itself is backed off from", arguments: [408, 409, 425, 429, 500, 502, 503, 504, 507, 599])
  func backsOff(status: Int) throws {
    var machine = machine()
    #expect(machine.event(answer(status), at: .seconds(100)) == .wait)
    guard case .backingOff(let until) = machine.state else {
      Issue.record("not backing off")
      return
    }
    #expect(until > .seconds(100) && until <= .seconds(101))
    #expect(machine.fault?.error.contains("\(status)") == true)
  }

  @Test("timeouts and broken connections are backed off from")
  func brokenConnections() {
    for event in [RetryMachine.Event.timedOut, .connectionFailed("Connection refused")] {
      var machine = machine()
      #expect(machine.event(event, at: .zero) == .wait)
      #expect(!machine.isSlow)
      #expect(machine.remaining(at: .zero) > .zero)
    }
  }

  @Test("the wait doubles up to its limit, with jitter, and never overflows")
  func doubling() {
    var machine = machine()
    var limit: Int64 = 1_000_000_000
    for _ in 0..<200 {
      _ = machine.event(.timedOut, at: .zero)
      let wait = machine.remaining(at: .zero).nanoseconds
      #expect(wait > limit / 2 - 1 && wait <= limit)
      limit = min(limit * 2, Self.policy.longest.nanoseconds)
    }
  }

  @Test("two gateways don't wait alike")
  func jitter() {
    let waits = Set(
      (0..<50 as Range<UInt64>).map { seed -> Span in
        var machine = machine(seed: seed)
        _ = machine.event(.timedOut, at: .zero)
        return machine.remaining(at: .zero)
      })
    #expect(waits.count > 45)
  }

  @Test("a success ends the backoff at once, and the next failure begins small again")
  func successEndsBackoff() {
    var machine = machine()
    for _ in 0..<10 { _ = machine.event(.timedOut, at: .zero) }
    #expect(machine.event(answer(200), at: .seconds(1)) == .delivered)
    #expect(machine.remaining(at: .seconds(1)) == .zero)
    _ = machine.event(.timedOut, at: .seconds(1))
    #expect(machine.remaining(at: .seconds(1)) <= .seconds(1))
  }

  @Test("a success on another connection ends any wait", arguments: [401, 404, 503])
  func successElsewhere(status: Int) {
    var machine = machine()
    for _ in 0..<5 { _ = machine.event(answer(status), at: .zero) }
    #expect(machine.remaining(at: .zero) > .zero)
    #expect(machine.event(.succeededElsewhere, at: .seconds(1)) == .none)
    #expect(machine.remaining(at: .seconds(1)) == .zero)
    #expect(machine.fault == nil)
  }

  @Test("a batch that fails though others pass is not thrown at the server as fast as the others")
  func releaseIsBounded() {
    var machine = machine()
    var tries = 0
    for tenth in 0..<600 {
      let now = Span.milliseconds(Int64(tenth) * 100)
      _ = machine.event(.succeededElsewhere, at: now)
      if machine.remaining(at: now) == .zero {
        tries += 1
        _ = machine.event(answer(503), at: now)
      }
    }
    #expect(tries < 20)
  }

  @Test("Retry-After is honoured, spread over half as much again, and bounded")
  func retryAfter() {
    var machine = machine()
    _ = machine.event(answer(429, retryAfter: .seconds(120)), at: .zero)
    #expect((.seconds(120) ... .seconds(180)).contains(machine.remaining(at: .zero)))
    _ = machine.event(answer(503, retryAfter: .hours(1000)), at: .zero)
    let longest = Self.policy.longestAsked
    #expect((longest...Span(nanoseconds: longest.nanoseconds / 2 * 3)).contains(machine.remaining(at: .zero)))
    // A district of gateways that were asked for the same doesn't come back in one moment.
    let waits = (0..<100 as Range<UInt64>).map { seed in
      var machine = RetryMachine(policy: Self.policy, seed: seed)
      _ = machine.event(answer(429, retryAfter: .seconds(100)), at: .zero)
      return machine.remaining(at: .zero).milliseconds / 5000
    }
    #expect(Set(waits).count == 10)
    // A server that asks for nothing is still not stormed.
    for _ in 0..<10 { _ = machine.event(answer(503, retryAfter: .zero), at: .zero) }
    #expect(machine.remaining(at: .zero) >= .seconds(15))
  }

  @Test("413 halves; a lone record that is too large is a dead letter")
  func tooLarge() {
    var machine = machine()
    #expect(machine.event(answer(413, records: 2), at: .zero) == .halve)
    #expect(machine.remaining(at: .zero) == .zero)
    #expect(machine.event(answer(413, records: 1), at: .zero) == .deadLetter(reason: "the server answered 413"))
  }

  @Test("415 turns zstd into gzip, once; where gzip isn't taken either, a person is asked")
  func unsupportedEncoding() {
    var machine = machine(.zstd)
    #expect(machine.event(answer(415), at: .zero) == .sendAgain)
    #expect(machine.encoding == .gzip)
    #expect(machine.event(answer(415), at: .zero) == .wait)
    #expect(machine.isSlow)
    _ = machine.event(answer(200), at: .zero)
    #expect(machine.encoding == .gzip)
  }

  @Test("400 and 422 halve until the poison stands alone", arguments: [400, 422])
  func poison(status: Int) {
    var machine = machine()
    #expect(machine.event(answer(status, records: 2), at: .zero) == .halve)
    let event = RetryMachine.Event.answered(status: status, records: 1, detail: "no such metric")
    #expect(
      machine.event(event, at: .zero) == .deadLetter(reason: "the server answered \(status): no such metric"))
    #expect(machine.state == .ready)
  }

  @Test("after ten lone refusals in a row nothing more is given up")
  func tenRefusals() {
    var machine = machine()
    for _ in 0..<10 {
      #expect(machine.event(answer(400, records: 1), at: .zero) == .deadLetter(reason: "the server answered 400"))
    }
    #expect(machine.event(answer(400, records: 1), at: .zero) == .wait)
    #expect(machine.isSlow && machine.doubtsRefusals)
    #expect(machine.fault?.error.contains("10 records in a row") == true)
    // Nor are whole batches shredded for nothing.
    #expect(machine.event(answer(400, records: 100), at: .seconds(61)) == .wait)
    // Once the server takes something, a lone refusal is the record's own fault again.
    #expect(machine.event(answer(200), at: .seconds(122)) == .delivered)
    #expect(machine.event(answer(400, records: 1), at: .seconds(123)) == .deadLetter(reason: "the server answered 400"))
  }

  @Test("a success in between starts the count of refusals anew")
  func refusalsInARow() {
    var machine = machine()
    for round in 0..<100 {
      _ = machine.event(answer(400, records: 1), at: .zero)
      if round % 9 == 8 { _ = machine.event(answer(200), at: .zero) }
      #expect(!machine.doubtsRefusals)
    }
  }

  @Test(
    "what a person must mend is tried slowly, with its cure",
    arguments: [301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 410, 418, 451])
  func slow(status: Int) {
    var machine = machine()
    #expect(machine.event(answer(status), at: .zero) == .wait)
    #expect(machine.isSlow)
    #expect(machine.remaining(at: .zero) >= .seconds(45) && machine.remaining(at: .zero) <= .minutes(1))
    #expect(machine.fault?.cure.isEmpty == false)
  }

  @Test("TLS faults and what can't be sent are tried slowly")
  func tls() {
    for event in [
      RetryMachine.Event.tlsFailed("certificate has expired"),
      .notSent(UplinkFault(error: "no token", cure: "make one")),
    ] {
      var machine = machine()
      #expect(machine.event(event, at: .zero) == .wait)
      #expect(machine.isSlow && machine.fault?.cure.isEmpty == false)
    }
  }
}
