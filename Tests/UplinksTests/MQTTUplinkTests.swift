import Glibc
import MQTT
import Outbox
import Telemetry
import Testing

@testable import Uplinks

@Suite("MQTT uplink", .serialized, .enabled(if: Mosquitto.isInstalled, "mosquitto is not installed"))
struct MQTTUplinkTests {
  private static func bench(_ url: String, _ change: (inout UplinkDefinition) -> Void = { _ in }) throws -> Bench {
    try Bench(
      url, synchronous: "OFF",
      change: { definition in
        definition.transport = .mqtt
        change(&definition)
      })
  }

  @Test("what is sealed is published lane by lane, and delivered means acknowledged")
  func delivery() throws {
    let broker = try Mosquitto()
    defer { broker.kill() }
    try broker.subscribe()
    let bench = try Self.bench(broker.url)
    for part in 0..<100 { try bench.append(.summary, ["\(part)"]) }
    try bench.append(.alarm, ["fire"])
    bench.uplink.start()
    #expect(try bench.until { try bench.pending() == 0 })
    try bench.append(.status, ["later"])
    #expect(bench.until { broker.content.records["lumbung/v1/gw/status"] != nil })
    #expect(bench.until { broker.content.records["lumbung/v1/gw/summary"]?.count == 100 })
    #expect(broker.content.records["lumbung/v1/gw/alarm"]?.count == 1)
    #expect(broker.content.contradictions == 0)
    #expect(try bench.until { try bench.pending() == 0 })
    #expect(bench.uplink.status.deliveredRecords == 102 && bench.uplink.status.wireBytes > 1000)
    #expect(bench.until { bench.uplink.status.state == .idle })
    #expect(bench.uplink.stop(within: .seconds(10)))
  }

  @Test("where no broker listens everything is kept; the next address is tried, and nothing is lost on the way over")
  func alternatives() throws {
    let first = try Mosquitto()
    defer { first.kill() }
    let second = try Mosquitto()
    defer { second.kill() }
    try first.subscribe()
    try second.subscribe()
    let bench = try Self.bench("mqtt://127.0.0.1:1") { definition in
      definition.alternatives = [first.url, second.url]
      definition.timeout = .seconds(1)
    }
    let texts = (0..<400).map { part in (0..<200).map { "\($0 &* (part + 17) % 89)" }.joined() }
    for text in texts[..<200] { try bench.append(.summary, [text]) }
    bench.uplink.start()
    #expect(bench.until { first.content.order.count > 50 })
    first.freeze()
    for text in texts[200...] { try bench.append(.summary, [text]) }
    #expect(try bench.until { try bench.pending() == 0 })
    #expect(!second.content.order.isEmpty)
    first.thaw()
    let topic = "lumbung/v1/gw/summary"
    #expect(
      bench.until {
        Set(first.content.records[topic]?.keys.map(\.self) ?? []).union(
          second.content.records[topic]?.keys.map(\.self) ?? [])
          == Set(1...400)
      })
    #expect(first.content.contradictions + second.content.contradictions == 0)
    #expect(bench.uplink.stop(within: .seconds(10)))
  }

  @Test("a broker that refuses the login is an error with its cure, and what it was is kept")
  func refused() throws {
    let broker = try Mosquitto(more: ["password_file /dev/null", "allow_anonymous false"])
    defer { broker.kill() }
    let bench = try Self.bench(broker.url) { $0.username = "lumbung" }
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(bench.until { bench.uplink.status.state == .misconfigured })
    #expect(bench.uplink.status.cure?.contains("password_file") == true)
    #expect(try bench.pending() == 1)
    #expect(bench.uplink.stop(within: .seconds(10)))
  }

  @Test("a broker that is away is an outage, and its return is noticed")
  func outage() throws {
    let bench = try Self.bench("mqtt://127.0.0.1:1")
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(bench.until { bench.uplink.status.state == .waiting })
    #expect(bench.uplink.stop(within: .seconds(10)))
    #expect(try bench.pending() == 1)
  }

  @Test("a command on the gateway's topic asks for raw messages, where that is allowed")
  func command() throws {
    let broker = try Mosquitto()
    defer { broker.kill() }
    try broker.subscribe()
    let bench = try Self.bench(broker.url) { $0.backfill = true }
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(try bench.until { try bench.pending() == 0 })
    let text = #"{"backfill":[{"id":"r7","device":"a/*","from":"2026-11-22T00:00:00Z","to":"2026-11-22T01:00:00Z"}]}"#
    #expect(
      bench.until {
        broker.publish("lumbung/v1/gw/command", text)
        usleep(50_000)
        return bench.logged.all.contains("asked r7")
      })
    #expect(bench.uplink.stop(within: .seconds(10)))
  }

  @Test("reason codes of a PUBACK mean what the answers by HTTP do")
  func codes() {
    #expect(MQTTCourier.status(of: 0x87) == 403 && MQTTCourier.status(of: 0x97) == 429)
    #expect(MQTTCourier.status(of: 0x99) == 400 && MQTTCourier.status(of: 0x95) == 413)
    #expect(MQTTCourier.status(of: 0x80) == 503 && MQTTCourier.status(of: nil) == 503)
  }
}
