import SQLite
import Telemetry
import Testing

@testable import Outbox

@Suite("Delivery")
struct DeliveryTests {
  @Test("the same batch comes again until it is marked delivered, with the same key and bytes")
  func sameBatchAgain() throws {
    let folder = Folder()
    var outbox = try folder.open()
    try outbox.append(.summary, 0..<10)
    let first = try #require(try outbox.nextBatch(for: "central", lane: .summary))
    outbox = try folder.open()
    #expect(try outbox.nextBatch(for: "central", lane: .summary) == first)
    try outbox.delivered([first.id], for: "central")
    #expect(try outbox.nextBatch(for: "central", lane: .summary) == nil)
    try outbox.delivered([first.id], for: "central")
  }

  @Test("every destination has a cursor of its own")
  func ownCursor() throws {
    let folder = Folder()
    let outbox = try folder.open([.init(name: "a"), .init(name: "b")])
    try outbox.append(.summary, 0..<10)
    try outbox.drain("a", .summary)
    #expect(try outbox.nextBatch(for: "a", lane: .summary) == nil)
    #expect(try outbox.nextBatch(for: "b", lane: .summary)?.recordCount == 10)
  }

  @Test("batches may be delivered out of order, and none comes again")
  func outOfOrder() throws {
    let folder = Folder()
    let outbox = try folder.open()
    for number in 0..<5 { try outbox.append(.summary, [number]) }
    let batches = try outbox.nextBatches(for: "central", lane: .summary, limit: 10)
    try outbox.delivered([batches[3].id, batches[1].id], for: "central")
    #expect(try outbox.nextBatches(for: "central", lane: .summary, limit: 10).map(\.first) == [1, 3, 5])
    #expect(try outbox.backlog(for: "central").first { $0.lane == .summary }?.records == 3)
    try outbox.delivered([batches[0].id], for: "central")
    #expect(try outbox.nextBatches(for: "central", lane: .summary, limit: 10).map(\.first) == [3, 5])
    try outbox.delivered([batches[2].id, batches[4].id], for: "central")
    #expect(try outbox.nextBatches(for: "central", lane: .summary, limit: 10).isEmpty)
  }

  @Test("halves lie in the file before anyone can send them, and carry the same records")
  func halving() throws {
    let folder = Folder()
    var outbox = try folder.open()
    try outbox.append(.summary, 0..<7)
    let whole = try #require(try outbox.nextBatch(for: "central", lane: .summary))
    try outbox.split(whole)
    outbox = try folder.open()
    let halves = try outbox.nextBatches(for: "central", lane: .summary, limit: 10)
    #expect(halves.map(\.idempotencyKey) == ["e1/0/summary/1-3", "e1/0/summary/4-7"])
    #expect(try halves.flatMap { try $0.lines } == whole.lines)
    #expect(!halves.map(\.id).contains(whole.id))
    try outbox.split(whole)
    #expect(try outbox.nextBatches(for: "central", lane: .summary, limit: 10) == halves)
  }

  @Test("a batch that was sent before another destination had it halved is marked delivered all the same")
  func deliveredAfterHalving() throws {
    let folder = Folder()
    let outbox = try folder.open([.init(name: "a"), .init(name: "b")])
    try outbox.append(.summary, 0..<8)
    let inFlight = try #require(try outbox.nextBatch(for: "a", lane: .summary))
    try outbox.split(inFlight)
    try outbox.delivered([inFlight], for: "a")
    #expect(try outbox.nextBatch(for: "a", lane: .summary) == nil)
    #expect(try outbox.backlog(for: "b").first { $0.lane == .summary }?.batches == 2)
  }

  @Test("a refused record is a dead letter, is told on the status lane, and doesn't block its neighbours")
  func refusal() throws {
    let folder = Folder()
    let outbox = try folder.open()
    for number in 0..<3 { try outbox.append(.summary, [number]) }
    let batches = try outbox.nextBatches(for: "central", lane: .summary, limit: 10)
    try outbox.refuse(batches[1], for: "central", reason: "400: \"no such metric\"")
    #expect(try outbox.nextBatches(for: "central", lane: .summary, limit: 10).map(\.first) == [1, 3])
    #expect(outbox.deadLetterCount == 1)
    let letter = try #require(try outbox.deadLetters().first)
    #expect(letter.lane == .summary && letter.first == 2)
    #expect(try [String(decoding: letter.record, as: UTF8.self)] == batches[1].lines)
    let notice = try #require(try outbox.drain(.status).first)
    #expect(notice.hasPrefix(#"{"seq":1,"type":"refused","destination":"central","lane":"summary","refused":2,"#))
    #expect(notice.hasSuffix(#""reason":"400: \"no such metric\""}"#))
  }

  @Test("a refused notice of a refusal begets no further notice")
  func refusedNotice() throws {
    let folder = Folder()
    let outbox = try folder.open()
    try outbox.append(.summary, [1])
    try outbox.refuse(try #require(try outbox.nextBatch(for: "central", lane: .summary)), for: "central", reason: "no")
    try outbox.refuse(try #require(try outbox.nextBatch(for: "central", lane: .status)), for: "central", reason: "no")
    #expect(try outbox.nextBatch(for: "central", lane: .status) == nil)
    #expect(outbox.deadLetterCount == 2)
  }

  @Test("a batch whose bytes are damaged can't be halved, and can be put among the dead letters whole")
  func damagedBatch() throws {
    let folder = Folder()
    var outbox: Outbox? = try folder.open()
    try outbox?.append(.summary, 0..<4)
    outbox = nil
    do {
      let database = try Database(path: folder.database, mode: .writer)
      try database.execute("UPDATE outbox_batch SET body=x'1f8b00ff'")
    }
    let reopened = try folder.open()
    let batch = try #require(try reopened.nextBatch(for: "central", lane: .summary))
    #expect(throws: OutboxError.self) { try reopened.split(batch) }
    try reopened.refuse(batch, for: "central", reason: "unreadable")
    #expect(try reopened.nextBatch(for: "central", lane: .summary) == nil)
    #expect(try reopened.drain(.status).first?.contains(#""refused":1,"through":4"#) == true)
  }

  @Test("raw is given free when all that came of it is delivered to every destination that counts")
  func deliveredBefore() throws {
    let folder = Folder()
    let outbox = try folder.open([.init(name: "a"), .init(name: "spare", optional: true)])
    #expect(try outbox.derivedBefore() == nil)
    #expect(try outbox.deliveredBefore() == nil)
    try outbox.transaction { $0.rawBefore = 5 }
    #expect(try outbox.deliveredBefore() == 5)
    try outbox.transaction { transaction in
      transaction.append(.summary, record(1))
      transaction.rawBefore = 9
    }
    try outbox.transaction { transaction in
      transaction.append(.alarm, record(2))
      transaction.rawBefore = 12
    }
    #expect(try outbox.derivedBefore() == 12)
    // The summary came from segments 5 to 8, the alarm from 9 to 11.
    #expect(try outbox.deliveredBefore() == 5)
    try outbox.drain("a", .summary)
    #expect(try outbox.deliveredBefore() == 9)
    try outbox.drain("a", .alarm)
    #expect(try outbox.deliveredBefore() == 12)
    try outbox.transaction { $0.rawBefore = 3 }
    #expect(try outbox.derivedBefore() == 12)
  }

  @Test("where all destinations are optional, all count")
  func allOptional() throws {
    let folder = Folder()
    let outbox = try folder.open([.init(name: "a", optional: true)])
    try outbox.transaction { $0.rawBefore = 5 }
    try outbox.transaction { transaction in
      transaction.append(.summary, record(1))
      transaction.rawBefore = 9
    }
    #expect(try outbox.deliveredBefore() == 5)
  }

  @Test("an unknown destination is an error that names it")
  func unknownDestination() throws {
    let folder = Folder()
    let outbox = try folder.open()
    #expect { try outbox.nextBatch(for: "nowhere", lane: .alarm) } throws: { error in
      (error as? OutboxError)?.code == .unknownDestination && "\(error)".contains("nowhere")
    }
  }

  @Test("whoever waits for a lane wakes when something is sealed on it, and not a moment too early")
  func waiting() throws {
    let folder = Folder()
    let outbox = try folder.open()
    let mark = outbox.workMark([.alarm])
    try outbox.append(.summary, [1])
    #expect(outbox.waitForWork([.alarm], since: mark, timeout: .zero) == mark)
    try outbox.append(.alarm, [1])
    #expect(outbox.waitForWork([.alarm], since: mark, timeout: .hours(1)) != mark)
    let later = outbox.workMark([.alarm])
    outbox.wakeWaiters()
    #expect(outbox.waitForWork([.alarm], since: later, timeout: .hours(1)) != later)
  }

  @Test("tables of others are written in the same commit, and rolled back with it")
  func extraSchema() throws {
    struct Stop: Error {}
    let folder = Folder()
    let schema = ["CREATE TABLE IF NOT EXISTS cursor(segment INTEGER)"]
    let outbox = try folder.open(extraSchema: schema)
    try outbox.transaction { transaction in
      try transaction.database.execute("INSERT INTO cursor VALUES(7)")
      transaction.append(.summary, record(1))
    }
    #expect(throws: Stop.self) {
      try outbox.transaction { transaction in
        try transaction.database.execute("INSERT INTO cursor VALUES(8)")
        transaction.append(.summary, record(2))
        transaction.rawBefore = 99
        throw Stop()
      }
    }
    #expect(try outbox.transaction { try $0.database.integer("SELECT max(segment) FROM cursor") } == 7)
    #expect(try outbox.drain(.summary).count == 1)
    #expect(try outbox.derivedBefore() == nil)
  }
}
