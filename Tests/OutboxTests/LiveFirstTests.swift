import SQLite
import Telemetry
import Testing

@testable import Outbox

@Suite("Live before backlog")
struct LiveFirstTests {
  private func firsts(_ outbox: Outbox, _ part: Outbox.Part) throws -> [Int64] {
    try outbox.nextBatches(for: "central", lane: .summary, limit: 100, part: part).map(\.first)
  }

  @Test("what is sealed after the mark can be delivered while what is before it waits")
  func order() throws {
    let folder = Folder()
    var outbox = try folder.open()
    for number in 0..<3 { try outbox.append(.summary, [number]) }
    let mark = try #require(try outbox.newest(for: "central", lane: .summary))
    #expect(try firsts(outbox, .after(mark)).isEmpty)
    for number in 3..<6 { try outbox.append(.summary, [number]) }
    #expect(try firsts(outbox, .through(mark)) == [1, 2, 3])
    let live = try outbox.nextBatches(for: "central", lane: .summary, limit: 100, part: .after(mark))
    #expect(live.map(\.first) == [4, 5, 6])
    try outbox.delivered(live, for: "central")
    #expect(try firsts(outbox, .all) == [1, 2, 3])
    outbox = try folder.open()
    #expect(try firsts(outbox, .all) == [1, 2, 3])
    try outbox.drain(.summary)
    try outbox.append(.summary, [7])
    #expect(try firsts(outbox, .all) == [7])
  }

  @Test("a long run of live batches ahead of a backlog stays one row, and leaves the file when everyone has it")
  func coalesced() throws {
    let folder = Folder()
    let outbox = try folder.open(synchronous: "OFF")
    try outbox.append(.summary, [0])
    let mark = try #require(try outbox.newest(for: "central", lane: .summary))
    for number in 1...500 {
      try outbox.append(.summary, [number])
      let live = try outbox.nextBatches(for: "central", lane: .summary, limit: 9, part: .after(mark))
      try outbox.delivered(live, for: "central")
    }
    func count(_ table: String) throws -> Int64 {
      try outbox.transaction { try $0.database.integer("SELECT count(*) FROM outbox_\(table)") }
    }
    #expect(try count("ahead") == 1)
    // The first, and all beyond what was reserved with its delivery.
    let attempts = try count("attempt")
    #expect(attempts == 2)
    #expect(try outbox.enforceQuota(bytes: .max).deletedBatches == 500)
    #expect(try count("batch") == 1)
    #expect(try outbox.drain(.summary).count == 1)
    #expect(try count("ahead") == 0 && count("attempt") == 0)
    try outbox.append(.summary, [501])
    #expect(try outbox.nextBatch(for: "central", lane: .summary)?.first == 502)
  }

  @Test("backlog that live batches have overtaken was never sent: the quota may drop it, and what was sent it may not")
  func quota() throws {
    let folder = Folder()
    let outbox = try folder.open(synchronous: "OFF")
    for part in 0..<600 { try outbox.append(.summary, part..<part + 1, padding: 3000) }
    let mark = try #require(try outbox.newest(for: "central", lane: .summary))
    for part in 0..<3 { try outbox.append(.summary, [part], padding: 3000) }
    let live = try outbox.nextBatches(for: "central", lane: .summary, limit: 9, part: .after(mark))
    try outbox.delivered([live[1]], for: "central")
    let report = try outbox.enforceQuota(bytes: 100_000)
    #expect((report.droppedRecords[.summary] ?? 0) > 300)
    let left = try outbox.nextBatches(for: "central", lane: .summary, limit: 1000, part: .after(mark))
    #expect(left == [live[0], live[2]])
  }
}

@Suite("Dead letters")
struct DeadLetterTests {
  private func refused(_ outbox: Outbox) throws -> DeadLetter {
    for number in 0..<3 { try outbox.append(.summary, [number]) }
    let batches = try outbox.nextBatches(for: "central", lane: .summary, limit: 10)
    try outbox.refuse(batches[1], for: "central", reason: "400: no")
    try outbox.delivered([batches[0], batches[2]], for: "central")
    _ = try outbox.enforceQuota(bytes: .max)
    return try #require(try outbox.deadLetters().first)
  }

  @Test("one that is retried comes under its old number and key, and is gone once it is taken")
  func retry() throws {
    let folder = Folder()
    var outbox = try folder.open()
    let letter = try refused(outbox)
    #expect(try outbox.retryDeadLetters([letter.id, 999]) == 1)
    outbox = try folder.open()
    let batch = try #require(try outbox.nextBatch(for: "central", lane: .summary))
    #expect(batch.idempotencyKey == "e1/0/summary/2-2")
    #expect(try batch.lines == [String(decoding: letter.record, as: UTF8.self)])
    #expect(outbox.deadLetterCount == 1)
    try outbox.delivered([batch], for: "central")
    #expect(outbox.deadLetterCount == 0)
    #expect(try outbox.nextBatch(for: "central", lane: .summary) == nil)
  }

  @Test("one that is refused again stays, with the new reason, and is not told twice")
  func refusedAgain() throws {
    let folder = Folder()
    let outbox = try folder.open()
    let letter = try refused(outbox)
    try outbox.retryDeadLetters([letter.id])
    let batch = try #require(try outbox.nextBatch(for: "central", lane: .summary))
    try outbox.split(batch)
    try outbox.refuse(batch, for: "central", reason: "422: still not")
    #expect(try outbox.nextBatch(for: "central", lane: .summary) == nil)
    #expect(try outbox.deadLetters().map(\.reason) == ["422: still not"])
    #expect(try outbox.drain(.status).count == 1)
  }

  @Test("one that is dropped is gone")
  func drop() throws {
    let folder = Folder()
    let outbox = try folder.open()
    let letter = try refused(outbox)
    #expect(try outbox.dropDeadLetters([letter.id, 12]) == 1)
    #expect(outbox.deadLetterCount == 0)
    #expect(try outbox.nextBatch(for: "central", lane: .summary) == nil)
  }

  @Test("what was used of the month's budget is kept with what was delivered")
  func budget() throws {
    let folder = Folder()
    var outbox = try folder.open()
    #expect(try outbox.used(by: "central") == (nil, 0))
    try outbox.delivered([Batch](), for: "central", used: (24_311, 1_000_000))
    outbox = try folder.open()
    #expect(try outbox.used(by: "central") == (24_311, 1_000_000))
  }
}
