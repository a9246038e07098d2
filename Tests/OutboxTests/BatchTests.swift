import Telemetry
import Testing

@testable import Outbox

@Suite("Batches")
struct BatchTests {
  @Test("a batch is laid out as the contract says")
  func layout() throws {
    let folder = Folder()
    let outbox = try folder.open()
    try outbox.transaction { transaction in
      transaction.append(.status, Array("{\"type\":\"hello\"}".utf8))
      transaction.append(.status, Array("{}".utf8))
    }
    let batch = try #require(try outbox.nextBatch(for: "central", lane: .status))
    let json = try String(decoding: batch.json(), as: UTF8.self)
    #expect(
      json.filter { $0 != "\n" }
        == #"{"gateway":"gw","epoch":"e1","generation":0,"lane":"status","first":1,"last":2,"records":["#
        + #"{"seq":1,"type":"hello"},{"seq":2}]}"#)
    #expect(batch.idempotencyKey == "e1/0/status/1-2")
    #expect(batch.recordCount == 2)
    #expect(batch.encoding == .gzip)
    #expect(batch.body.starts(with: [0x1f, 0x8b]))
  }

  @Test("numbers count from 1 on each lane, without holes, over transactions and openings")
  func numbering() throws {
    let folder = Folder()
    for round in 0..<3 {
      let outbox = try folder.open()
      try outbox.append(.summary, round * 10..<round * 10 + 10)
      try outbox.append(.alarm, [round])
    }
    let outbox = try folder.open()
    let lines = try outbox.drain(.summary)
    #expect(lines.enumerated().allSatisfy { $1.hasPrefix("{\"seq\":\($0 + 1),") })
    #expect(lines.count == 30)
    #expect(try outbox.drain(.alarm).count == 3)
  }

  @Test("no batch is over 16 KiB compressed, and most are well filled", arguments: [false, true])
  func packing(zstd: Bool) throws {
    let folder = Folder()
    let outbox = try folder.open([.init(name: "central", compression: zstd ? .zstd : .gzip)])
    try outbox.append(.summary, 0..<20_000)
    let batches = try outbox.nextBatches(for: "central", lane: .summary, limit: 1000)
    #expect(batches.allSatisfy { $0.body.count <= 16_384 })
    #expect(batches.dropLast().filter { $0.body.count > 12_000 }.count > batches.count * 3 / 4)
    #expect(batches.map(\.recordCount).reduce(0, +) == 20_000)
    #expect(batches.allSatisfy { $0.encoding == (zstd ? .zstd : .gzip) })
  }

  @Test("records that compress badly after ones that compress well still fit")
  func changingRatio() throws {
    let folder = Folder()
    let outbox = try folder.open()
    try outbox.append(.summary, 0..<2000)
    try outbox.append(.summary, 0..<200, padding: 3000)
    let batches = try outbox.nextBatches(for: "central", lane: .summary, limit: 1000)
    #expect(batches.allSatisfy { $0.body.count <= 16_384 })
    #expect(batches.map(\.recordCount).reduce(0, +) == 2200)
  }

  @Test("a lone record may be larger than a batch")
  func loneLargeRecord() throws {
    let folder = Folder()
    let outbox = try folder.open()
    try outbox.transaction { transaction in
      transaction.append(.summary, record(1))
      transaction.append(.summary, record(2, padding: 60_000))
      transaction.append(.summary, record(3))
    }
    let batches = try outbox.nextBatches(for: "central", lane: .summary, limit: 10)
    #expect(batches.map(\.recordCount) == [1, 1, 1])
    #expect(batches[1].body.count > 16_384)
  }

  @Test("batches never span transactions")
  func noSpanning() throws {
    let folder = Folder()
    let outbox = try folder.open()
    try outbox.append(.summary, 0..<3)
    try outbox.append(.summary, 3..<5)
    #expect(try outbox.nextBatches(for: "central", lane: .summary, limit: 10).map(\.recordCount) == [3, 2])
  }

  @Test("a raw newline between tokens becomes a space, so that halving finds the records")
  func newline() throws {
    let folder = Folder()
    let outbox = try folder.open()
    try outbox.transaction { $0.append(.status, Array("{\"a\":\r\n1}".utf8)) }
    #expect(try outbox.drain(.status) == ["{\"seq\":1,\"a\":  1}"])
  }

  @Test("what is no object makes the whole transaction fail")
  func noObject() throws {
    let folder = Folder()
    let outbox = try folder.open()
    #expect(throws: OutboxError.self) {
      try outbox.transaction { transaction in
        transaction.append(.status, record(1))
        transaction.append(.status, Array("[1]".utf8))
      }
    }
    #expect(try outbox.nextBatch(for: "central", lane: .status) == nil)
  }

  @Test("another compression carries the same JSON under the same key")
  func reencoding() throws {
    let folder = Folder()
    let outbox = try folder.open([.init(name: "central", compression: .zstd)])
    try outbox.append(.summary, 0..<100)
    let batch = try #require(try outbox.nextBatch(for: "central", lane: .summary))
    let other = try batch.encoded(as: .gzip)
    #expect(other.encoding == .gzip)
    #expect(other.body != batch.body)
    #expect(try other.json() == batch.json())
    #expect(other.idempotencyKey == batch.idempotencyKey)
  }

  @Test("damaged bytes are an error, not a crash", arguments: UplinkDefinition.Compression.allCases)
  func damagedBytes(encoding: UplinkDefinition.Compression) throws {
    let sound = try Codec.compress(record(1, padding: 500), encoding)
    #expect(try Codec.expand(sound, encoding) == record(1, padding: 500))
    #expect(throws: OutboxError.self) { try Codec.expand(Array(sound.dropLast(9)), encoding) }
    #expect(throws: OutboxError.self) { try Codec.expand(Array("nonsense".utf8), encoding) }
    #expect(throws: OutboxError.self) { try Codec.expand([], encoding) }
  }
}
