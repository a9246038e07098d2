import Telemetry
import Testing

@testable import Decoding

/// Writes protobuf, as far as the tests need it.
struct Proto {
  var bytes: [UInt8] = []

  static func varint(_ value: UInt64) -> [UInt8] {
    var value = value
    var out: [UInt8] = []
    repeat {
      let rest = value >> 7
      out.append(UInt8(value & 0x7f) | (rest == 0 ? 0 : 0x80))
      value = rest
    } while value > 0
    return out
  }

  mutating func number(_ field: UInt64, _ value: UInt64) { bytes += Proto.varint(field << 3) + Proto.varint(value) }

  mutating func data(_ field: UInt64, _ value: [UInt8]) {
    bytes += Proto.varint(field << 3 | 2) + Proto.varint(UInt64(value.count)) + value
  }

  mutating func double(_ field: UInt64, _ value: Double) {
    bytes += Proto.varint(field << 3 | 1) + withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
  }

  static func metric(
    _ name: String? = nil, alias: UInt64? = nil, type: UInt64? = nil, int: UInt64? = nil, double: Double? = nil,
    text: String? = nil, time: UInt64? = nil
  ) -> [UInt8] {
    var proto = Proto()
    if let name { proto.data(1, Array(name.utf8)) }
    if let alias { proto.number(2, alias) }
    if let time { proto.number(3, time) }
    if let type { proto.number(4, type) }
    if let int { proto.number(type == 4 || type == 8 ? 11 : 10, int) }
    if let double { proto.double(13, double) }
    if let text { proto.data(15, Array(text.utf8)) }
    return proto.bytes
  }

  static func payload(seq: UInt64?, _ metrics: [UInt8]...) -> [UInt8] {
    var proto = Proto()
    proto.number(1, 1_795_318_800_000)
    for metric in metrics { proto.data(2, metric) }
    if let seq { proto.number(3, seq) }
    return proto.bytes
  }
}

@Suite("format sparkplug")
struct SparkplugTests {
  private let bench: Bench

  init() throws { bench = try Bench(format: "sparkplug", topic: "spBv1.0/#") }

  private func send(_ type: String, _ payload: [UInt8], device: String? = nil) -> [String] {
    bench.lines("spBv1.0/kota/\(type)/odc" + (device.map { "/" + $0 } ?? ""), payload)
  }

  private func birth(bdSeq: UInt64 = 3) -> [String] {
    send(
      "NBIRTH",
      Proto.payload(
        seq: 0, Proto.metric("bdSeq", type: 8, int: bdSeq), Proto.metric("Node Control/Rebirth", type: 11, int: 0),
        Proto.metric("suhu", alias: 1, type: 1, int: 0xfb), Proto.metric("kecil", alias: 2, type: 4, int: .max)))
  }

  @Test("births name aliases and types; signed numbers are two's complement")
  func aliases() {
    #expect(
      birth() == [
        "kota/odc availability = online 1 state", "kota/odc suhu = -5.0 1 gauge", "kota/odc kecil = -1.0 1 gauge",
      ])
    #expect(bench.times.allSatisfy { $0 == "2026-11-22T03:40:00Z" })
    #expect(
      send("NDATA", Proto.payload(seq: 1, Proto.metric(alias: 1, int: 0x80))) == ["kota/odc suhu = -128.0 1 gauge"])
    #expect(
      send("NDATA", Proto.payload(seq: 2, Proto.metric("suhu", int: 7, time: 1_795_318_801_000))) == [
        "kota/odc suhu = 7.0 1 gauge"
      ])
    #expect(bench.times == ["2026-11-22T03:40:01Z"])
  }

  @Test("an alias without a birth is refused, and one beside known ones is a fault")
  func unknownAlias() {
    #expect(send("NDATA", Proto.payload(seq: 1, Proto.metric(alias: 9, int: 1))).isEmpty)
    #expect(bench.isRefused)
    #expect(bench.faults == ["byte 9: the alias 9 is not known: no birth was seen, ask for a rebirth"])
    _ = birth()
    #expect(
      send("NDATA", Proto.payload(seq: 1, Proto.metric(alias: 9, int: 1), Proto.metric(alias: 1, int: 2))) == [
        "kota/odc suhu = 2.0 1 gauge"
      ])
    #expect(bench.isPartial)
  }

  @Test("seq goes round from 255 to 0; a gap is a fault, and the values are taken")
  func sequence() {
    _ = birth()
    for seq in 1...255 {
      _ = send("NDATA", Proto.payload(seq: UInt64(seq), Proto.metric(alias: 1, int: 1)))
      #expect(bench.isDecoded)
    }
    _ = send("NDATA", Proto.payload(seq: 0, Proto.metric(alias: 1, int: 1)))
    #expect(bench.isDecoded)
    #expect(send("NDATA", Proto.payload(seq: 5, Proto.metric(alias: 1, int: 1))).count == 1)
    #expect(bench.faults == ["seq: 5 where 1 was expected: messages are missing, ask for a rebirth"])
  }

  @Test("a node's death takes its devices with it, and counts only for its own session")
  func death() {
    _ = birth(bdSeq: 4)
    let devices = send("DBIRTH", Proto.payload(seq: 1, Proto.metric("rx", type: 10, double: -21.5)), device: "ont-1")
    #expect(devices == ["kota/odc/ont-1 availability = online 1 state", "kota/odc/ont-1 rx = -21.5 1 gauge"])
    #expect(send("NDEATH", Proto.payload(seq: nil, Proto.metric("bdSeq", type: 8, int: 3))).isEmpty)
    #expect(bench.isIgnored)
    #expect(
      send("NDEATH", Proto.payload(seq: nil, Proto.metric("bdSeq", type: 8, int: 4))) == [
        "kota/odc availability = offline 1 state", "kota/odc/ont-1 availability = offline 1 state",
      ])
    // The will was written at the birth.
    #expect(bench.timeSources == ["received", "received"])
    #expect(bench.payloadDecidesDevice(ofTopic: "spBv1.0/kota/NDEATH/odc"))
  }

  @Test("a device's death is its own")
  func deviceDeath() {
    _ = birth()
    _ = send("DBIRTH", Proto.payload(seq: 1), device: "ont-1")
    #expect(send("DDEATH", Proto.payload(seq: 2), device: "ont-1") == ["kota/odc/ont-1 availability = offline 1 state"])
    #expect(send("NDEATH", Proto.payload(seq: nil)) == ["kota/odc availability = offline 1 state"])
  }

  @Test("commands are ignored, and topics that are none of Sparkplug's refused")
  func topics() {
    _ = send("NCMD", Proto.payload(seq: nil))
    #expect(bench.isIgnored)
    for topic in ["spBv1.0/kota/NOTHING/odc", "spBv1.0/kota/NBIRTH/odc/x", "spBv1.0/kota/DDATA/odc", "spBv1.0/x"] {
      bench.decode(topic, [])
      #expect(bench.isRefused, "\(topic)")
    }
  }

  @Test("texts, and broken protobuf")
  func content() {
    _ = birth()
    #expect(
      send("NDATA", Proto.payload(seq: 1, Proto.metric("pintu", type: 12, text: "buka"))) == [
        "kota/odc pintu = buka 1 state"
      ])
    let whole = Proto.payload(seq: 2, Proto.metric("suhu", int: 1))
    for count in 1..<whole.count { _ = send("NDATA", Array(whole[..<count])) }
    _ = send("NDATA", [0x12, 0xff])
    #expect(bench.faults == ["byte 2: ends inside a number"])
    _ = send("NDATA", [0x12, 0x05, 0x0a])
    #expect(bench.faults == ["byte 2: a field of 5 bytes, where 1 are left"])
    _ = send("NDATA", [0x0b])
    #expect(bench.faults == ["byte 0: no protobuf: the wire type 3 is not in use"])
    _ = send("NDATA", [UInt8](repeating: 0xff, count: 12))
    #expect(bench.faults == ["byte 10: a number of more than 64 bits"])
    _ = send("NDATA", Proto.payload(seq: 3, Proto.metric("nan", type: 10, double: .nan)))
    #expect(bench.faults.contains("nan: is not a finite number"))
  }
}
