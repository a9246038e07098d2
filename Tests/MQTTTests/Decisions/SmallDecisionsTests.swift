import Testing

@testable import MQTT

/// Random but the same at each run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite("When the next try to connect comes")
struct ReconnectBackoffTests {
  @Test("the first retry comes at once, the next ones ever later, never after more than 30 s")
  func grows() {
    var backoff = ReconnectBackoff()
    #expect(backoff.failed(now: 7, random: 0.5) == 7)
    var last: Int64 = 0
    for _ in 0..<7 {
      let wait = backoff.failed(now: 0, random: 0)
      #expect(wait > last || wait == 15_000_000_000)
      last = wait
    }
    for _ in 0..<100 { #expect(backoff.failed(now: 0, random: 0.999) <= 30_000_000_000) }
  }

  @Test("half of the wait is left to chance")
  func jitter() {
    var low = ReconnectBackoff()
    var high = ReconnectBackoff()
    for _ in 0..<10 {
      let (a, b) = (low.failed(now: 0, random: 0), high.failed(now: 0, random: 0.9999))
      #expect(b >= a && b <= 2 * a)
    }
  }

  @Test("a success starts anew")
  func success() {
    var backoff = ReconnectBackoff()
    for _ in 0..<5 { _ = backoff.failed(now: 0, random: 0) }
    backoff.succeeded()
    #expect(backoff.failed(now: 0, random: 0.9) == 0)
    #expect(backoff.failed(now: 0, random: 0) == 250_000_000)
  }

  @Test("tries are never closer than 200 ms, whatever was achieved in between")
  func spacing() {
    var backoff = ReconnectBackoff()
    backoff.trying(now: 1_000_000_000)
    backoff.succeeded()
    #expect(backoff.failed(now: 1_050_000_000, random: 0) == 1_200_000_000)
    backoff.trying(now: 1_200_000_000)
    backoff.succeeded()
    #expect(backoff.failed(now: 5_000_000_000, random: 0) == 5_000_000_000)
  }
}

@Suite("Which version of MQTT is spoken")
struct ProtocolChoiceTests {
  @Test("5 is asked for first; refused by name, 3.1.1; refused again, 5 after the backoff")
  func refusals() {
    var choice = ProtocolChoice()
    #expect(choice.version == .v5)
    #expect(choice.refused() == true)
    #expect(choice.version == .v311)
    #expect(choice.refused() == false)
    #expect(choice.version == .v5)
  }

  @Test("after a connection that was accepted, 5 is asked for again: the broker may have been replaced")
  func afterLoss() {
    var choice = ProtocolChoice()
    _ = choice.refused()
    choice.lostAcceptedConnection()
    #expect(choice.version == .v5)
  }
}

@Suite("Which filters are subscribed")
struct SubscriptionPlanTests {
  @Test("without a session everything wanted is subscribed", arguments: [ProtocolVersion.v5, .v311])
  func newSession(_ version: ProtocolVersion) {
    var plan = SubscriptionPlan(wanted: ["a", "b"])
    #expect(plan.connected(sessionPresent: false, version: version) == .init(subscribe: ["a", "b"]))
  }

  @Test("with a session MQTT 5 subscribes again, 3.1.1 only what isn't known to be granted")
  func oldSession() {
    var plan = SubscriptionPlan(wanted: ["a", "b"])
    _ = plan.connected(sessionPresent: false, version: .v5)
    plan.subscribed("a")
    var other = plan
    #expect(plan.connected(sessionPresent: true, version: .v5).subscribe == ["a", "b"])
    #expect(other.connected(sessionPresent: true, version: .v311).subscribe == ["b"])
  }

  @Test("a reload subscribes what is new and unsubscribes what is gone")
  func reload() {
    var plan = SubscriptionPlan(wanted: ["a", "b"])
    _ = plan.connected(sessionPresent: false, version: .v5)
    #expect(plan.want(["b", "c"]) == .init(subscribe: ["c"], unsubscribe: ["a"]))
  }

  @Test("a reload while away is made up for at the next connect, unsubscribing included")
  func reloadWhileAway() {
    var plan = SubscriptionPlan(wanted: ["a"])
    _ = plan.connected(sessionPresent: false, version: .v5)
    plan.subscribed("a")
    _ = plan.want(["b"])
    #expect(plan.connected(sessionPresent: true, version: .v5) == .init(subscribe: ["b"], unsubscribe: ["a"]))
    plan.unsubscribed("a")
    #expect(plan.connected(sessionPresent: true, version: .v5) == .init(subscribe: ["b"]))
  }

  @Test("a filter that is wanted again before its UNSUBACK stays")
  func wantedAgain() {
    var plan = SubscriptionPlan(wanted: ["a"])
    _ = plan.connected(sessionPresent: false, version: .v311)
    plan.subscribed("a")
    _ = plan.want([])
    _ = plan.want(["a"])
    plan.unsubscribed("a")
    #expect(plan.wanted == ["a"])
  }

  @Test("a refused filter is asked for again at the next connect")
  func refused() {
    var plan = SubscriptionPlan(wanted: ["a"])
    _ = plan.connected(sessionPresent: false, version: .v311)
    plan.refused("a")
    #expect(plan.connected(sessionPresent: true, version: .v311).subscribe == ["a"])
    _ = plan.want([])
  }
}

@Suite("Where a broker listens")
struct BrokerAddressTests {
  @Test(
    "addresses that are read",
    arguments: [
      ("mqtt://127.0.0.1", "127.0.0.1", 1883), ("mqtts://broker.example", "broker.example", 8883),
      ("mqtt://h:1", "h", 1), ("MQTT://h:65535/", "h", 65_535), ("mqtt://[::1]:1884", "::1", 1884),
    ])
  func valid(_ url: String, _ host: String, _ port: Int) {
    let address = BrokerAddress(url: url)
    #expect(address?.host == host)
    #expect(address?.port == port)
  }

  @Test("what is read comes back as a URL")
  func description() {
    #expect(BrokerAddress(url: "mqtts://[::1]")?.description == "mqtts://[::1]:8883")
    #expect(BrokerAddress(url: "mqtt://h")?.description == "mqtt://h:1883")
  }

  @Test(
    "addresses that are refused",
    arguments: [
      "", "mqtt", "mqtt:", "mqtt:h", "mqtt://", "mqtt:///", "http://h", "mqtt://h:0", "mqtt://h:65536", "mqtt://h:",
      "mqtt://h:x", "mqtt://h:+1", "mqtt://h/path", "mqtt://user:secret@h", "mqtt://[::1", "mqtt://[]", "mqtt://a b",
    ])
  func invalid(_ url: String) { #expect(BrokerAddress(url: url) == nil) }
}
