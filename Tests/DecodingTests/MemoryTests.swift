import Telemetry
import Testing

@testable import Decoding

/// What messages say that others are read with: it must not depend on when, and by which process, they are read.
@Suite("memory of births and bridges")
struct MemoryTests {
  private func bench() throws -> Bench { try Bench(format: "sparkplug", topic: "#") }

  @discardableResult
  private func send(
    _ bench: Bench, _ type: String, _ payload: [UInt8], at sequence: Int64, device: String? = nil
  ) -> [String] {
    bench.reception.sequence = sequence
    return bench.lines("spBv1.0/g/\(type)/n" + (device.map { "/" + $0 } ?? ""), payload)
  }

  private func birth(_ name: String) -> [UInt8] {
    Proto.payload(seq: 0, Proto.metric("bdSeq", type: 8, int: 1), Proto.metric(name, alias: 1, type: 3, int: 5))
  }

  private let data = Proto.payload(seq: 1, Proto.metric(alias: 1, int: 6))

  @Test("a message that is read again is read with the birth that held when it came")
  func again() throws {
    let bench = try bench()
    send(bench, "NBIRTH", birth("lama"), at: 10)
    #expect(send(bench, "NDATA", data, at: 11) == ["g/n lama = 6.0 1 gauge"])
    send(bench, "NBIRTH", birth("baru"), at: 20)
    #expect(send(bench, "NDATA", data, at: 21) == ["g/n baru = 6.0 1 gauge"])
    #expect(send(bench, "NDATA", data, at: 11) == ["g/n lama = 6.0 1 gauge"])
    #expect(bench.isDecoded)
    send(bench, "NBIRTH", birth("lama"), at: 10)
    #expect(send(bench, "NDATA", data, at: 21) == ["g/n baru = 6.0 1 gauge"])
    bench.decoder.forget(before: 21)
    #expect(send(bench, "NDATA", data, at: 22) == ["g/n baru = 6.0 1 gauge"])
    #expect(send(bench, "NDATA", data, at: 11).isEmpty)
  }

  @Test("another process reads on with what was kept")
  func restart() throws {
    let first = try bench()
    send(first, "NBIRTH", birth("suhu"), at: 10)
    send(first, "DBIRTH", Proto.payload(seq: 1, Proto.metric("rx", alias: 7, type: 10, double: 1)), at: 11, device: "d")
    let kept = first.decoder.takeRemembered()
    #expect(kept.map(\.sequence) == [10, 11])
    #expect(first.decoder.takeRemembered().isEmpty)

    let second = try bench()
    _ = second.registry.restore("g/n/d", class: .other, site: nil, interval: nil)
    second.decoder.restore(kept.reversed())
    #expect(send(second, "NDATA", data, at: 12) == ["g/n suhu = 6.0 1 gauge"])
    #expect(
      send(second, "DDATA", Proto.payload(seq: 2, Proto.metric(alias: 7, double: 2)), at: 13, device: "d") == [
        "g/n/d rx = 2.0 1 gauge"
      ])
    // No message of this process has named the device when its node dies.
    let third = try bench()
    third.decoder.restore(kept)
    #expect(
      send(third, "NDEATH", Proto.payload(seq: nil, Proto.metric("bdSeq", type: 8, int: 1)), at: 14) == [
        "g/n availability = offline 1 state", "g/n/d availability = offline 1 state",
      ])
  }

  @Test("a node's birth ends those of its devices; after a death nothing is understood")
  func endings() throws {
    let bench = try bench()
    let reading = Proto.payload(seq: 1, Proto.metric(alias: 7, double: 2))
    let deviceBirth = Proto.payload(seq: 1, Proto.metric("rx", alias: 7, type: 10, double: 1))
    send(bench, "NBIRTH", birth("suhu"), at: 1)
    send(bench, "DBIRTH", deviceBirth, at: 2, device: "d")
    send(bench, "NBIRTH", birth("suhu"), at: 3)
    #expect(send(bench, "DDATA", reading, at: 4, device: "d").isEmpty)
    send(bench, "DBIRTH", deviceBirth, at: 5, device: "d")
    #expect(send(bench, "DDATA", reading, at: 6, device: "d").count == 1)
    send(bench, "DDEATH", Proto.payload(seq: 2), at: 7, device: "d")
    #expect(send(bench, "DDATA", reading, at: 8, device: "d").isEmpty)
    #expect(send(bench, "NDATA", data, at: 9).count == 1)
    send(bench, "NDEATH", Proto.payload(seq: nil), at: 10)
    #expect(send(bench, "NDATA", data, at: 11).isEmpty)
    #expect(bench.isRefused)
  }

  @Test("a rebirth is asked for at most once a minute, and no longer once it has come")
  func rebirths() throws {
    let bench = try bench()
    for sequence in 1...5 { send(bench, "NDATA", data, at: Int64(sequence)) }
    let asked = bench.decoder.takeRebirthRequests()
    #expect(asked.map(\.topic) == ["spBv1.0/g/NCMD/n"])
    #expect(bench.decoder.rebirthsWanted == 5)
    #expect(bench.decoder.takeRebirthRequests().isEmpty)
    send(bench, "NDATA", data, at: 6)
    #expect(bench.decoder.takeRebirthRequests().isEmpty)
    bench.reception.receivedAt = Bench.now + .seconds(61)
    send(bench, "NDATA", data, at: 7)
    #expect(bench.decoder.takeRebirthRequests().count == 1)
    send(bench, "NBIRTH", birth("suhu"), at: 8)
    send(bench, "NDATA", data, at: 9)
    #expect(bench.decoder.takeRebirthRequests().isEmpty)
    // A gap.
    send(bench, "NDATA", Proto.payload(seq: 9, Proto.metric(alias: 1, int: 6)), at: 10)
    #expect(bench.decoder.takeRebirthRequests().count == 1)
  }

  @Test("the request is a command that Sparkplug's own reader understands")
  func request() throws {
    var requests = RebirthRequests()
    requests.want("g/n", at: Bench.now)
    let payload = try #require(requests.take().first).payload(at: Bench.now)
    try payload.withUnsafeBytes { bytes in
      let read = try SparkplugPayload(bytes, limit: 10)
      #expect(read.timestamp == 1_795_318_812_900)
      let metric = try #require(read.metrics.first)
      #expect(metric.name.map { String(utf8: $0) } == "Node Control/Rebirth")
      #expect(metric.datatype == 11)
      guard case .bool(true) = metric.value else {
        Issue.record("not true")
        return
      }
    }
  }

  @Test("a bridge's will takes down those that were behind it when it came, whoever reads it")
  func bridges() throws {
    let first = try ProfileTests.bench("zigbee2mqtt")
    first.reception.sequence = 1
    first.decode("zigbee2mqtt/b", #"{"temperature":20}"#)
    first.reception.sequence = 5
    first.decode("zigbee2mqtt/a", #"{"temperature":20}"#)
    let kept = first.decoder.takeRemembered()
    #expect(kept.map(\.key) == ["b", "a"])
    for bench in [first, try ProfileTests.bench("zigbee2mqtt")] {
      if bench !== first {
        for name in ["a", "b"] { _ = bench.registry.restore(name, class: .other, site: nil, interval: nil) }
        bench.decoder.restore(kept)
      }
      bench.reception.sequence = 6
      #expect(
        bench.lines("zigbee2mqtt/bridge/state", "offline").dropFirst() == [
          "a availability = offline 1 state", "b availability = offline 1 state",
        ])
      bench.reception.sequence = 3
      #expect(
        bench.lines("zigbee2mqtt/bridge/state", "offline").dropFirst() == ["b availability = offline 1 state"])
    }
  }

  @Test("a node that is born again and again, and nodes and devices without end, are bounded")
  func bounds() throws {
    let memory = DecoderMemory()
    for number in 0..<DecoderMemory.nodeLimit { #expect(memory.node("g/\(number)") != nil) }
    #expect(memory.node("g/more") == nil)
    let node = SparkplugNode("g/n")
    for sequence in 0..<3000 { _ = node.add("", SparkplugNode.Birth(), at: Int64(sequence)) }
    #expect(node.birth("", at: 3000) != nil)
    #expect(node.birth("", at: 100) == nil)
    for number in 0..<20_000 { _ = node.add("d\(number)", SparkplugNode.Birth(), at: 5000 + Int64(number)) }
    #expect(node.birth("d19999", at: .max) == nil)
  }
}
