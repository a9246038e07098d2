import Telemetry
import Testing

@testable import Central

@Suite("Decoding a batch")
struct BatchDecoderTests {
  private func fault(_ body: [UInt8], encoding: String? = nil, decoder: BatchDecoder = BatchDecoder()) -> BatchFault? {
    do {
      _ = try decoder.decode(body, encoding: encoding)
      return nil
    } catch {
      return error
    }
  }

  private func fault(record: String) -> BatchFault? { fault(Samples.batch([Samples.summary(1), record], last: 9)) }

  @Test("a batch is read with all that its records need, and their texts as they came")
  func whole() throws {
    let text = Samples.summary(5, revision: 3, more: #""void":true,"future":{"x":[1,2]},"#)
    let batch = try Samples.decoded(
      Samples.batch(
        [text, #"{"seq":6,"through":8,"type":"dropped","reason":"quota"}"#, #"{"seq":9,"type":"novel","x":1}"#],
        generation: 2, stream: "b", first: 5, last: 9))
    #expect(batch.gateway == "oki-01")
    #expect(batch.epoch == Samples.epoch)
    #expect(batch.generation == 2)
    #expect(batch.stream == "b")
    #expect(batch.records.map(\.covered) == [5...5, 6...8, 9...9])
    #expect(batch.records[0].text == text)
    #expect(
      batch.records[0].body
        == .summary(
          .init(
            subject: .device("sman1/cam-03"), start: Samples.time(minute: 40).nanoseconds,
            end: Samples.time(minute: 45).nanoseconds, revision: 3, isVoid: true)))
    #expect(batch.records[1].body == .dropped)
    #expect(batch.records[2].body == .unknown)
  }

  @Test("gzip in several members, zstd and none are understood")
  func encodings() throws {
    let body = Samples.batch([Samples.summary(1)])
    let plain = try BatchDecoder().decode(body, encoding: nil)
    #expect(try BatchDecoder().decode(body, encoding: "identity") == plain)
    #expect(try BatchDecoder().decode(Samples.gzip(body), encoding: "GZIP") == plain)
    let members = Samples.gzip(Array(body[..<40])) + Samples.gzip(Array(body[40...]))
    #expect(try BatchDecoder().decode(members, encoding: "gzip") == plain)
    #expect(try BatchDecoder().decode(Samples.zstd(body), encoding: "zstd") == plain)
    #expect(fault(body, encoding: "br")?.kind == .unsupportedEncoding)
  }

  @Test("a stream that is cut, damaged or followed by rubbish is malformed", arguments: ["gzip", "zstd"])
  func damagedStreams(encoding: String) {
    let whole =
      encoding == "gzip"
      ? Samples.gzip(Samples.batch([Samples.summary(1)]))
      : Samples.zstd(
        Samples.batch([Samples.summary(1)]))
    for length in whole.indices {
      #expect(fault(Array(whole[..<length]), encoding: encoding)?.kind == .malformed)
    }
    #expect(fault(whole + [1, 2, 3, 4, 5], encoding: encoding)?.kind == .malformed)
    for index in whole.indices {
      var changed = whole
      changed[index] ^= 0x55
      _ = fault(changed, encoding: encoding)
    }
  }

  @Test("what unpacks to more than the limit is too large, however small it is", arguments: ["gzip", "zstd"])
  func bombs(encoding: String) {
    let zeros = [UInt8](repeating: 0x20, count: 3 << 20)
    let body = encoding == "gzip" ? Samples.gzip(zeros) : Samples.zstd(zeros)
    #expect(body.count < 8192)
    #expect(fault(body, encoding: encoding, decoder: BatchDecoder(maximumSize: 1 << 20))?.kind == .tooLarge)
  }

  @Test("a zstd frame that asks for a huge window is refused")
  func window() {
    // Magic, a header without content size, and a window descriptor of 2^41 bytes.
    #expect(fault([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0, 0, 0], encoding: "zstd")?.kind == .tooLarge)
  }

  @Test("more records than one transaction takes are too large")
  func tooMany() {
    let body = Samples.batch([Samples.summary(1), Samples.summary(2), Samples.summary(3)])
    #expect(fault(body, decoder: BatchDecoder(maximumRecords: 3)) == nil)
    #expect(fault(body, decoder: BatchDecoder(maximumRecords: 2))?.kind == .tooLarge)
  }

  @Test("bytes that are no UTF-8, or no JSON, are malformed")
  func notJSON() {
    #expect(fault([0xff, 0xfe])?.kind == .malformed)
    #expect(fault(Samples.batch([Samples.summary(1)]).map { $0 == 0x63 ? 0xc3 : $0 })?.kind == .malformed)
    #expect(fault([])?.kind == .malformed)
    #expect(fault(Array("[]".utf8))?.kind == .malformed)
    #expect(fault(Samples.batch([Samples.summary(1)]) + Array("x".utf8))?.kind == .malformed)
  }

  @Test(
    "an envelope that lacks something, or has it of another kind, is malformed without an index",
    arguments: [
      (#""gateway":"oki-01","#, ""), (#""gateway":"oki-01""#, #""gateway":"OKI 1""#),
      (#""gateway":"oki-01""#, #""gateway":7"#), (Samples.epoch, "not-a-uuid"),
      (#""generation":0"#, #""generation":-1"#),
      (#""generation":0"#, #""generation":"0""#), (#""lane":"summary""#, #""lane":null"#),
      (#""first":1"#, #""first":0"#),
      (#""first":1"#, #""first":1.5"#), (#""last":1"#, #""last":0"#), (#""last":1"#, #""last":99999999999999999999"#),
      (#""records":["#, #""other":["#),
    ])
  func envelopes(part: String, replacement: String) {
    let text = String(decoding: Samples.batch([Samples.summary(1)]), as: UTF8.self)
    let parts = text.split(separator: part, maxSplits: 1, omittingEmptySubsequences: false)
    #expect(parts.count == 2)
    let found = fault(Array(parts.joined(separator: replacement).utf8))
    #expect(found?.kind == .malformed)
    #expect(found?.index == nil)
  }

  @Test("no records, or records that are no array, are malformed")
  func noRecords() {
    #expect(fault(Samples.batch([], last: 1))?.reason == "\"records\" is empty")
    let text = String(decoding: Samples.batch([], last: 1), as: UTF8.self)
    #expect(fault(Array((text.dropLast(3) + "{}}").utf8))?.reason == "\"records\" is no array")
  }

  @Test(
    "a record that can't be applied is malformed, and its index is told",
    arguments: [
      "7", "null", "{}", #"{"seq":2}"#, #"{"seq":"2","type":"x"}"#, #"{"seq":2,"type":""}"#,
      #"{"seq":2,"type":"\ud800"}"#,
      #"{"seq":1,"type":"x"}"#, #"{"seq":10,"type":"x"}"#, #"{"seq":2,"through":10,"type":"dropped"}"#,
      #"{"seq":3,"through":2,"type":"dropped"}"#, #"{"seq":2,"type":"summary"}"#,
      #"{"seq":2,"type":"summary","device":"a","group":"b"}"#,
      #"{"seq":2,"type":"summary","device":"a","start":"2026-11-22T03:40:00","end":"2026-11-22T03:45:00Z"}"#,
      #"{"seq":2,"type":"summary","device":"a","start":"2026-11-22T03:45:00Z","end":"2026-11-22T03:45:00Z"}"#,
      #"{"seq":2,"type":"summary","device":"a","start":"2026-11-22T03:40:00Z","end":"2026-11-22T03:45:00Z"}"#,
      #"{"seq":2,"type":"summary","device":"a\u0000","start":"2026-11-22T03:40:00Z"}"#,
      #"{"seq":2,"type":"alarm","id":"x","transition":"moved","device":"d","time":"2026-11-22T03:40:00Z"}"#,
      #"{"seq":2,"type":"alarm","id":"x","transition":"raised","device":"d","time":"soon"}"#,
    ])
  func records(record: String) {
    #expect(fault(record: record)?.kind == .malformed)
    #expect(fault(record: record)?.index == 1)
  }

  @Test("where a key comes twice, the first one counts")
  func duplicateKeys() throws {
    let batch = try Samples.decoded(
      Array(
        (#"{"gateway":"a","gateway":"b","epoch":"\#(Samples.epoch)","generation":0,"lane":"status","first":1,"last":1,"#
          + #""records":[{"seq":1,"type":"status","type":"alarm","backlog_records":3,"backlog_records":4}]}"#).utf8))
    #expect(batch.gateway == "a")
    #expect(batch.records[0].body == .status(backlog: 3))
  }

  @Test("an epoch is the same in capitals")
  func epochCase() throws {
    let batch = try Samples.decoded(Samples.batch([Samples.summary(1)], epoch: Samples.epoch.uppercased()))
    #expect(batch.epoch == Samples.epoch)
  }
}
