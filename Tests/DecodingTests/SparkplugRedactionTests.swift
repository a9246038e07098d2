import Telemetry
import Testing

@testable import Decoding

@Suite("what tells of people is not kept: Sparkplug B")
struct SparkplugRedactionTests {
  private let redaction: RememberingRedaction

  init() throws {
    var source = SourceDefinition(name: "s", topic: try TopicPattern("spBv1.0/#"), format: "sparkplug")
    source.redact = ["operator"]
    redaction = RememberingRedaction(sources: [source])
  }

  private func kept(
    _ payload: [UInt8], _ type: String = "NDATA", device: String? = nil, by other: RememberingRedaction? = nil
  ) -> [UInt8] {
    let topic = "spBv1.0/kota/\(type)/gate" + (device.map { "/" + $0 } ?? "")
    return Array(topic.utf8).withUnsafeBytes { topic in
      payload.withUnsafeBytes { (other ?? redaction).redactAll(topic: topic, payload: $0) }
    } ?? payload
  }

  /// What a metric becomes.
  private func null(_ name: String?, alias: UInt64? = nil, type: UInt64? = nil) -> [UInt8] {
    Proto.metric(name, alias: alias, type: type) + [7 << 3, 1]
  }

  private func holds(_ bytes: [UInt8], _ text: String) -> Bool {
    bytes.indices.contains { bytes[$0...].starts(with: text.utf8) }
  }

  @Test("a metric that is called so becomes null, and all else stays byte for byte")
  func names() throws {
    let before = Proto.metric("suhu", alias: 1, type: 9, double: 21.5)
    let after = Proto.metric("Status", type: 12, text: "open")
    let plate = Proto.metric("Lane/PlateNumber", type: 12, text: "BG 1234 XY")
    #expect(
      kept(Proto.payload(seq: 3, before, plate, after))
        == Proto.payload(seq: 3, before, null("Lane/PlateNumber", type: 12), after))
    // A number may tell who it is.
    #expect(
      kept(Proto.payload(seq: 3, Proto.metric("nik", type: 8, int: 3_201_234_567_890_001)))
        == Proto.payload(seq: 3, null("nik", type: 8)))
    #expect(
      kept(Proto.payload(seq: 3, Proto.metric("operator", type: 12, text: "Siti")))
        == Proto.payload(seq: 3, null("operator", type: 12)))
  }

  @Test("what is no such metric stays as it came")
  func others() {
    for payload in [
      Proto.payload(seq: 0, Proto.metric("bdSeq", type: 8, int: 4), Proto.metric("faces", type: 3, int: 2)),
      Proto.payload(seq: nil), [], [0xff], Proto.payload(seq: 1, Proto.metric("platform", type: 12, text: "x86")),
    ] {
      #expect(kept(payload, "NBIRTH") == payload)
    }
  }

  @Test("what remains is read as before, without that one reading")
  func isRead() throws {
    let bench = try Bench(format: "sparkplug", topic: "spBv1.0/#")
    let payload = Proto.payload(
      seq: 0, Proto.metric("bdSeq", type: 8, int: 3), Proto.metric("suhu", alias: 1, type: 9, double: 21.5),
      Proto.metric("plate", alias: 2, type: 12, text: "BG 1234 XY"), Proto.metric("mode", type: 12, text: "auto"))
    #expect(
      bench.lines("spBv1.0/kota/NBIRTH/gate", kept(payload, "NBIRTH")) == [
        "kota/gate availability = online 1 state", "kota/gate suhu = 21.5 1 gauge", "kota/gate mode = auto 1 state",
      ])
    #expect(!bench.isPartial && !bench.isRefused)
  }

  @Test("an alias is what its birth named, for that node or device alone")
  func aliases() {
    _ = kept(
      Proto.payload(
        seq: 0, Proto.metric("plate", alias: 7, type: 12, text: "A 1"), Proto.metric("mode", alias: 8, type: 12)),
      "NBIRTH")
    _ = kept(Proto.payload(seq: 1, Proto.metric("mode", alias: 7, type: 12)), "DBIRTH", device: "lift")
    let data = Proto.payload(seq: 2, Proto.metric(alias: 7, text: "BG 9"), Proto.metric(alias: 8, text: "auto"))
    #expect(kept(data) == Proto.payload(seq: 2, null(nil, alias: 7), Proto.metric(alias: 8, text: "auto")))
    let lift = Proto.payload(seq: 3, Proto.metric(alias: 7, text: "up"))
    #expect(kept(lift, "DDATA", device: "lift") == lift)
    // Born again, with other numbers.
    _ = kept(Proto.payload(seq: 0, Proto.metric("mode", alias: 7, type: 12)), "NBIRTH")
    let again = Proto.payload(seq: 1, Proto.metric(alias: 7, text: "auto"))
    #expect(kept(again) == again)
  }

  @Test("a text whose alias no birth has named is not kept, a number is")
  func unborn() {
    let payload = Proto.payload(
      seq: 2, Proto.metric(alias: 7, text: "BG 9"), Proto.metric(alias: 8, type: 9, double: 3))
    #expect(
      kept(payload) == Proto.payload(seq: 2, null(nil, alias: 7), Proto.metric(alias: 8, type: 9, double: 3)))
  }

  @Test("births are taken over at a reload, by the new list, and learned from what an earlier process kept")
  func taken() throws {
    let birth = Proto.payload(
      seq: 0, Proto.metric("guest", alias: 7, type: 12), Proto.metric("mode", alias: 8, type: 12))
    _ = kept(birth, "NBIRTH")
    let data = Proto.payload(seq: 2, Proto.metric(alias: 7, text: "Ani"), Proto.metric(alias: 8, text: "auto"))
    #expect(kept(data) == data)
    var source = SourceDefinition(name: "s", topic: try TopicPattern("spBv1.0/#"), format: "sparkplug")
    source.redact = ["guest"]
    let expected = Proto.payload(seq: 2, null(nil, alias: 7), Proto.metric(alias: 8, text: "auto"))
    #expect(kept(data, by: RememberingRedaction(sources: [source], after: redaction)) == expected)

    let decoder = try Decoder(sources: [source], timezone: "UTC", registry: Registry())
    let topic = "spBv1.0/kota/NBIRTH/gate"
    var observations: [Observation] = []
    _ = Array(topic.utf8).withUnsafeBytes { topic in
      birth.withUnsafeBytes {
        decoder.decode(
          topic: topic, payload: $0, Reception(receivedAt: Timestamp(nanoseconds: 0), clockTrusted: true),
          into: &observations)
      }
    }
    let next = RememberingRedaction(sources: [source])
    for remembered in decoder.takeRemembered() {
      #expect(Decoder.birthTopic(of: remembered) == topic)
      Array(topic.utf8).withUnsafeBytes { topic in
        remembered.content.withUnsafeBytes { next.learn(topic: topic, payload: $0) }
      }
    }
    #expect(kept(data, by: next) == expected)
  }

  @Test("members and parameters of templates, data sets and properties are looked through, too")
  func inside() {
    func field(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
      var proto = Proto()
      proto.data(number, bytes)
      return proto.bytes
    }
    func text(_ number: UInt64, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
    let member = Proto.metric("name", type: 12, text: "Siti")
    let speed = Proto.metric("speed", type: 9, double: 30)
    let parameter = text(1, "plate") + [2 << 3, 12] + text(8, "BG 1")
    let template =
      Proto.metric("Person", type: 19) + field(18, field(2, member) + field(2, speed) + field(3, parameter))
    let set = Proto.metric("log", type: 16) + field(17, [1 << 3, 1] + text(2, "plate") + field(4, text(6, "BG 2")))
    let value = [1 << 3, 12] + text(8, "BG 3")
    let unit = [1 << 3, 12] + text(8, "km/h")
    let properties =
      Proto.metric("limit", type: 9, double: 40)
      + field(9, text(1, "plate") + text(1, "engUnit") + field(2, value) + field(2, unit))
    let payload = Proto.payload(seq: 1, template, set, properties)
    let out = kept(payload, "NBIRTH")
    for gone in ["Siti", "BG 1", "BG 2", "BG 3"] {
      #expect(holds(payload, gone))
      #expect(!holds(out, gone), "\(gone)")
    }
    for left in ["Person", "speed", "limit", "engUnit", "km/h"] { #expect(holds(out, left), "\(left)") }
    #expect(kept(out, "NBIRTH") == out)
  }

  @Test("an image in a metric goes, whatever the metric is called")
  func images() {
    let picture: [UInt8] = [0xff, 0xd8, 0xff, 0xe0] + Array(repeating: 7, count: 2000)
    var metric = Proto()
    metric.data(1, Array("snapshot".utf8))
    metric.data(16, picture)
    let out = kept(Proto.payload(seq: 1, metric.bytes, Proto.metric("fps", type: 9, double: 25)))
    #expect(out == Proto.payload(seq: 1, null("snapshot"), Proto.metric("fps", type: 9, double: 25)))
  }

  @Test("a payload that breaks off is kept, but not of who is known to tell of people")
  func broken() {
    let whole = Proto.payload(seq: 1, Proto.metric("mode", type: 12, text: "auto"))
    let cut = Array(whole.dropLast(4))
    #expect(kept(cut) == cut)
    _ = kept(Proto.payload(seq: 0, Proto.metric("plate", alias: 7, type: 12)), "NBIRTH")
    #expect(kept(cut) == Array("redacted".utf8))
    #expect(kept(whole) == whole)
  }

  @Test("however deep templates lie inside one another, it ends, and keeps nothing of what it doesn't look at")
  func deep() {
    var metric = Proto.metric("plate", type: 12, text: "BG 1234 XY")
    for _ in 0..<1000 {
      var template = Proto()
      template.data(2, metric)
      var outer = Proto()
      outer.data(1, Array("t".utf8))
      outer.data(18, template.bytes)
      metric = outer.bytes
    }
    let out = kept(Proto.payload(seq: 1, metric))
    #expect(!holds(out, "BG 1234"))
  }
}
