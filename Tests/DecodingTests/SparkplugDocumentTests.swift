import Telemetry
import Testing

@testable import Decoding

/// Payloads written from the specification (version 3.0), with what must come of them.
@Suite("format sparkplug, by its document")
struct SparkplugDocumentTests {
  private typealias Field = ProtoTree.Field
  private let bench: Bench

  init() throws { bench = try Bench(format: "sparkplug", topic: "spBv1.0/#") }

  private func metric(_ name: String? = nil, alias: UInt64? = nil, type: UInt64? = nil, _ rest: Field...) -> Field {
    var fields: [Field] = []
    if let name { fields.append(Field("name", 1, .text(name))) }
    if let alias { fields.append(Field("alias", 2, .number(alias))) }
    if let type { fields.append(Field("datatype", 4, .number(type))) }
    return Field("metric", 2, .message(fields + rest))
  }

  private func properties(_ pairs: (String, Field)...) -> Field {
    Field(
      "properties", 9,
      .message(
        pairs.map { Field("key", 1, .text($0.0)) } + pairs.map { Field("value", 2, .message([$0.1])) }))
  }

  private func send(_ topic: String, seq: UInt64?, _ metrics: Field...) -> [String] {
    let fields =
      [Field("timestamp", 1, .number(1_795_318_800_000))] + metrics
      + (seq.map { [Field("seq", 3, .number($0))] } ?? [])
    return bench.lines("spBv1.0/kota/" + topic, ProtoTree.bytes(fields, "", change: nil))
  }

  private func int(_ value: UInt64) -> Field { Field("int", 10, .number(value)) }
  private func long(_ value: UInt64) -> Field { Field("long", 11, .number(value)) }
  private func text(_ value: String) -> Field { Field("string", 15, .text(value)) }
  private func flag(_ value: UInt64) -> Field { Field("bool", 14, .number(value)) }

  @Test("every basic type, at the ends of its range")
  func types() {
    let lines = send(
      "NBIRTH/n", seq: 0, metric("bdSeq", type: 8, long(0)), metric("i8", type: 1, int(0x80)),
      metric("i16", type: 2, int(0x8000)), metric("i32", type: 3, int(0x8000_0000)),
      metric("i64", type: 4, long(1 << 63)), metric("u8", type: 5, int(255)), metric("u16", type: 6, int(65535)),
      metric("u32", type: 7, int(0xffff_ffff)), metric("u64", type: 8, long(1 << 53)),
      metric("double", type: 10, Field("double", 13, .double(-0.5))), metric("bool", type: 11, flag(1)),
      metric("string", type: 12, text("siap")), metric("waktu", type: 13, long(1_795_318_800_000)),
      metric("teks", type: 14, text("a b")), metric("uuid", type: 15, text("c0ffee")))
    #expect(
      lines == [
        "kota/n availability = online 1 state", "kota/n i8 = -128.0 1 gauge", "kota/n i16 = -32768.0 1 gauge",
        "kota/n i32 = -2147483648.0 1 gauge", "kota/n i64 = -9.223372036854776e+18 1 gauge",
        "kota/n u8 = 255.0 1 gauge", "kota/n u16 = 65535.0 1 gauge", "kota/n u32 = 4294967295.0 1 gauge",
        "kota/n u64 = 9007199254740992.0 1 gauge", "kota/n double = -0.5 1 gauge", "kota/n bool = true 1 state",
        "kota/n string = siap 1 state", "kota/n waktu = 1795318800000.0 1 gauge", "kota/n teks = a b 1 state",
        "kota/n uuid = c0ffee 1 state",
      ])
    #expect(bench.isDecoded)
  }

  @Test("a unit of the birth holds for the data, in UCUM; what is bad or stale is no reading")
  func properties() {
    // A property's number stands in a field of its own.
    let good = ("Quality", Field("int", 3, .number(192)))
    let lines = send(
      "NBIRTH/n", seq: 0,
      metric(
        "Kabinet/Suhu", alias: 1, type: 3, properties(("engUnit", Field("string", 8, .text("°C"))), good), int(41)),
      metric("rx", alias: 2, type: 3, properties(("engUnit", Field("string", 8, .text("dBm")))), int(0xffff_ffea)),
      metric("aneh", alias: 3, type: 3, properties(("engUnit", Field("string", 8, .text("ember")))), int(2)))
    #expect(
      lines == [
        "kota/n availability = online 1 state", "kota/n Kabinet.Suhu = 41.0 Cel gauge", "kota/n rx = -22.0 dBm gauge",
        "kota/n aneh = 2.0 1 gauge",
      ])
    let bad = properties(("Quality", Field("int", 3, .number(0))))
    let stale = properties(("Quality", Field("int", 3, .number(500))))
    #expect(
      send("NDATA/n", seq: 1, metric(alias: 1, bad, int(99)), metric(alias: 2, int(0xffff_ffe9)))
        == ["kota/n rx = -23.0 dBm gauge"])
    #expect(send("NDATA/n", seq: 2, metric(alias: 1, stale, int(99))).isEmpty)
    #expect(bench.isIgnored)
  }

  @Test("an instance's members are metrics; a definition says nothing of the device")
  func templates() {
    func template(_ isDefinition: UInt64, _ members: Field...) -> Field {
      Field("template", 18, .message(members + [Field("is_definition", 5, .number(isDefinition))]))
    }
    let lines = send(
      "DBIRTH/n/panel", seq: 1,
      metric("_types_/Pompa", type: 19, template(1, metric("arus", type: 3, int(0)))),
      metric(
        "pompa-1", type: 19,
        template(
          0, metric("arus", alias: 7, type: 3, int(4)),
          metric("motor", type: 19, template(0, metric("rpm", type: 3, int(1450)))))))
    #expect(
      lines == [
        "kota/n/panel availability = online 1 state", "kota/n/panel pompa-1.arus = 4.0 1 gauge",
        "kota/n/panel pompa-1.motor.rpm = 1450.0 1 gauge",
      ])
    #expect(
      send("DDATA/n/panel", seq: 2, metric(alias: 7, int(0xffff_ffff))) == ["kota/n/panel pompa-1.arus = -1.0 1 gauge"])
    #expect(
      send("DDATA/n/panel", seq: 3, metric("pompa-1", type: 19, template(0, metric("arus", int(5)))))
        == ["kota/n/panel pompa-1.arus = 5.0 1 gauge"])
  }

  @Test("a member's alias that no birth named asks for one, once for a message")
  func unknownMember() {
    _ = send("NBIRTH/n", seq: 0, metric("a", alias: 1, type: 3, int(1)))
    let instance = Field("template", 18, .message([metric(alias: 8, int(1)), metric(alias: 9, int(1))]))
    #expect(send("NDATA/n", seq: 1, metric("p", type: 19, instance), metric(alias: 1, int(2))).count == 1)
    #expect(bench.isPartial)
    #expect(bench.decoder.rebirthsWanted == 1)
    #expect(bench.decoder.takeRebirthRequests().map(\.topic) == ["spBv1.0/kota/NCMD/n"])
    _ = send("NDATA/n", seq: 2, metric(alias: 1, int(3)))
    #expect(bench.decoder.rebirthsWanted == 1)
  }

  @Test("templates inside one another without end are a fault")
  func deepTemplates() {
    var inner = metric("dasar", type: 3, int(1))
    for _ in 0..<40 { inner = metric("x", type: 19, Field("template", 18, .message([inner]))) }
    _ = send("NDATA/n", seq: 1, inner)
    #expect(bench.isRefused)
    #expect(bench.faults.first?.contains("templates inside one another") == true)
  }

  @Test("aliases belong to their device's birth; a birth anew replaces them")
  func aliases() {
    _ = send("NBIRTH/n", seq: 0, metric("a", alias: 1, type: 3, int(1)))
    _ = send("DBIRTH/n/d", seq: 1, metric("b", alias: 1, type: 5, int(1)))
    #expect(send("NDATA/n", seq: 2, metric(alias: 1, int(7))) == ["kota/n a = 7.0 1 gauge"])
    #expect(send("DDATA/n/d", seq: 3, metric(alias: 1, int(8))) == ["kota/n/d b = 8.0 1 gauge"])
    _ = send("DBIRTH/n/d", seq: 4, metric("c", alias: 1, type: 3, int(1)))
    #expect(send("DDATA/n/d", seq: 5, metric(alias: 1, int(9))) == ["kota/n/d c = 9.0 1 gauge"])
    #expect(send("DDEATH/n/d", seq: 6) == ["kota/n/d availability = offline 1 state"])
  }

  @Test("a host's state is JSON")
  func state() {
    #expect(
      bench.lines("spBv1.0/STATE/pusat", #"{"online":true,"timestamp":1795318800000}"#) == [
        "pusat availability = online 1 state"
      ])
    #expect(bench.times == ["2026-11-22T03:40:00Z"])
    #expect(
      bench.lines("spBv1.0/STATE/pusat", #"{"online":false,"timestamp":1795318800000}"#) == [
        "pusat availability = offline 1 state"
      ])
    #expect(bench.timeSources == ["received"])
    bench.decode("spBv1.0/STATE/pusat", #"{"online":"ya"}"#)
    #expect(bench.isRefused)
  }

  @Test("commands are nobody's readings")
  func commands() {
    #expect(send("DCMD/n/d", seq: nil, metric("suhu", type: 3, int(1))).isEmpty)
    #expect(bench.isIgnored)
  }
}
