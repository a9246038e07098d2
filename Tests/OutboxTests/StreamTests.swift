import SQLite
import Telemetry
import Testing

@testable import Outbox

@Suite("Numberings of several destinations")
struct StreamTests {
  private func record(_ device: String, _ deviceClass: String, _ site: String) -> [UInt8] {
    Array(#"{"type":"summary","device":"\#(device)","class":"\#(deviceClass)","site":"\#(site)"}"#.utf8)
  }

  private func seqs(_ lines: [String]) -> [String] { lines.map { String($0.prefix { $0 != "," }) } }

  @Test("a filter gives a numbering of its own, without holes, by lanes, classes and sites")
  func filters() throws {
    let folder = Folder()
    let outbox = try folder.open([
      .init(name: "all"), .init(name: "cameras", filter: RecordFilter(classes: [.camera])),
      .init(name: "smk", filter: RecordFilter(lanes: [.alarm, .summary], sites: [Glob("smk*")])),
    ])
    try outbox.transaction { transaction in
      transaction.append(.summary, record("a", "camera", "sman1"))
      transaction.append(.summary, record("b", "other", "smk1"))
      transaction.append(.summary, record("c", "camera", "smk2"))
      transaction.append(.status, Array(#"{"type":"status"}"#.utf8))
      transaction.append(.alarm, record("b", "other", "smk1"))
    }
    #expect(try outbox.drain("all", .summary).count == 3)
    let batch = try #require(try outbox.nextBatch(for: "cameras", lane: .summary))
    #expect(batch.idempotencyKey == "e1/0/cameras/summary/1-2")
    #expect(try String(decoding: batch.json(), as: UTF8.self).contains(#""generation":0,"stream":"cameras","lane":"#))
    #expect(try batch.lines.map { $0.contains(#""device":"b""#) } == [false, false])
    // What names no device is chosen by its lane alone.
    #expect(try outbox.drain("cameras", .status).count == 1)
    #expect(try outbox.nextBatch(for: "cameras", lane: .alarm) == nil)
    #expect(try outbox.drain("smk", .summary).count == 2)
    #expect(try outbox.drain("smk", .alarm).count == 1)
    #expect(try outbox.nextBatch(for: "smk", lane: .status) == nil)
  }

  @Test("destinations that want the same share one numbering and one copy")
  func sharing() throws {
    let folder = Folder()
    let outbox = try folder.open([.init(name: "a"), .init(name: "b")])
    try outbox.append(.summary, 0..<5)
    let batch = try #require(try outbox.nextBatch(for: "a", lane: .summary))
    #expect(try outbox.nextBatch(for: "b", lane: .summary) == batch)
    #expect(batch.idempotencyKey == "e1/0/summary/1-5")
  }

  @Test("one added later starts from now, in a numbering of its own that counts from 1")
  func startsNow() throws {
    let folder = Folder()
    var outbox = try folder.open([.init(name: "a")])
    try outbox.append(.summary, 0..<5)
    for _ in 0..<2 {
      outbox = try folder.open([.init(name: "a"), .init(name: "late")])
      #expect(try outbox.nextBatch(for: "late", lane: .summary) == nil)
    }
    try outbox.append(.summary, 5..<7)
    #expect(try outbox.nextBatch(for: "late", lane: .summary)?.idempotencyKey == "e1/0/late/summary/1-2")
    #expect(try outbox.drain("a", .summary).count == 7)
    #expect(try outbox.drain("late", .summary).count == 2)
  }

  @Test("one added later may start from the oldest that is kept")
  func startsOldest() throws {
    let folder = Folder()
    var outbox = try folder.open([.init(name: "a")])
    try outbox.append(.summary, 0..<3)
    try outbox.drain("a", .summary)
    _ = try outbox.enforceQuota(bytes: .max)
    try outbox.append(.summary, 3..<5)
    outbox = try folder.open([.init(name: "a"), .init(name: "late", start: .oldest)])
    let lines = try outbox.drain("late", .summary)
    #expect(lines.first?.contains(#""through":3,"type":"dropped","reason":"before-start""#) == true)
    #expect(seqs(lines) == ["{\"seq\":1", "{\"seq\":4", "{\"seq\":5"])
  }

  @Test("with a filter, the oldest that is kept is put into the new numbering, as far as it passes")
  func startsOldestFiltered() throws {
    let folder = Folder()
    var outbox = try folder.open([.init(name: "a")])
    for number in 0..<4 {
      try outbox.transaction { transaction in
        transaction.append(.summary, record("d\(number)", number.isMultiple(of: 2) ? "camera" : "other", "s"))
      }
    }
    let late = Outbox.Destination(name: "late", filter: RecordFilter(classes: [.camera]), start: .oldest)
    for _ in 0..<2 { outbox = try folder.open([.init(name: "a"), late]) }
    let lines = try outbox.drain("late", .summary)
    #expect(lines.count == 2 && lines[0].hasPrefix(#"{"seq":1,"type":"summary","device":"d0""#))
    #expect(lines[1].hasPrefix(#"{"seq":2,"type":"summary","device":"d2""#))
    #expect(try outbox.drain("a", .summary).count == 4)
  }

  @Test("the first destinations of all get everything that was kept for them")
  func first() throws {
    let folder = Folder()
    var outbox = try folder.open([])
    try outbox.append(.summary, 0..<3)
    outbox = try folder.open([.init(name: "a"), .init(name: "b", filter: RecordFilter(lanes: [.summary]))])
    #expect(try outbox.drain("a", .summary).count == 3)
    #expect(try outbox.drain("b", .summary).count == 3)
  }

  @Test("a changed filter: what is left comes as it was sealed, then the new numbering; nothing twice")
  func changedFilter() throws {
    let folder = Folder()
    var outbox = try folder.open([.init(name: "a")])
    try outbox.transaction { $0.append(.summary, record("x", "other", "s")) }
    let cameras = Outbox.Destination(name: "a", filter: RecordFilter(classes: [.camera]))
    outbox = try folder.open([cameras])
    try outbox.transaction { transaction in
      transaction.append(.summary, record("y", "other", "s"))
      transaction.append(.summary, record("z", "camera", "s"))
    }
    #expect(
      try outbox.nextBatches(for: "a", lane: .summary, limit: 9).map(\.idempotencyKey) == [
        "e1/0/summary/1-1", "e1/0/a/summary/1-1",
      ])
    // And back: the old numbering goes on.
    outbox = try folder.open([.init(name: "a")])
    try outbox.transaction { $0.append(.summary, record("q", "other", "s")) }
    let keys = try outbox.nextBatches(for: "a", lane: .summary, limit: 9).map(\.idempotencyKey)
    #expect(Set(keys) == ["e1/0/summary/1-1", "e1/0/a/summary/1-1", "e1/0/a-2/summary/1-1"])
  }

  @Test("a numbering that nobody gets any more is cleared away")
  func orphan() throws {
    let folder = Folder()
    var outbox = try folder.open([.init(name: "a"), .init(name: "b", filter: RecordFilter(lanes: [.alarm]))])
    try outbox.append(.alarm, 0..<3)
    outbox = try folder.open([.init(name: "a")])
    try outbox.drain("a", .alarm)
    #expect(try outbox.enforceQuota(bytes: .max).deletedBatches == 2)
  }

  @Test("an optional destination holds back no more than its tenth, and what goes is accounted for")
  func optionalCap() throws {
    let folder = Folder()
    let outbox = try folder.open([.init(name: "a"), .init(name: "spare", optional: true)])
    for part in 0..<40 { try outbox.append(.summary, part * 20..<part * 20 + 20, padding: 1000) }
    // What the needed one lacks is not the optional one's doing.
    #expect(try outbox.enforceQuota(bytes: .max, optionalBytes: 100_000).droppedRecords == [:])
    try outbox.drain("a", .summary)
    let report = try outbox.enforceQuota(bytes: .max, optionalBytes: 100_000)
    #expect((report.droppedRecords[.summary] ?? 0) > 0)
    let kept = try outbox.nextBatches(for: "spare", lane: .summary, limit: 1000)
    #expect(kept.reduce(0) { $0 + $1.body.count } <= 101_000)
    #expect(kept.first?.first == 1 && kept.last?.last == 800)
    #expect(zip(kept, kept.dropFirst()).allSatisfy { $0.last + 1 == $1.first })
  }

  @Test("raw messages that one destination asked for reach that one alone, under numbers of their own")
  func backfill() throws {
    let folder = Folder()
    var outbox = try folder.open([.init(name: "a"), .init(name: "b")])
    try outbox.beginBackfill(for: "a")
    for _ in 0..<2 {
      try outbox.transaction { $0.appendBackfill(Array(#"{"type":"message"}"#.utf8), for: "a") }
      outbox = try folder.open([.init(name: "a"), .init(name: "b")])
    }
    #expect(
      try outbox.nextBatches(for: "a", lane: .backfill, limit: 9).map(\.idempotencyKey) == [
        "e1/0/backfill-a/backfill/1-1", "e1/0/backfill-a/backfill/2-2",
      ])
    #expect(try outbox.nextBatch(for: "b", lane: .backfill) == nil)
  }

  @Test("a file of the first version is taken over with everything in it")
  func migration() throws {
    let folder = Folder()
    do {
      let database = try Database(path: folder.database, mode: .writer)
      try database.execute("PRAGMA auto_vacuum=INCREMENTAL")
      for statement in FirstSchema.statements { try database.execute(statement) }
    }
    let outbox = try folder.open([.init(name: "central")])
    #expect(outbox.openReport.setAside == nil)
    #expect(try outbox.nextBatches(for: "central", lane: .summary, limit: 9).map(\.first) == [3])
    try outbox.append(.summary, [1])
    #expect(try outbox.drain(.summary).map { String($0.prefix(9)) } == ["{\"seq\":3,", "{\"seq\":4,"])
  }
}

/// What the first version made, with one batch delivered and one pending.
private enum FirstSchema {
  static let statements = [
    "CREATE TABLE outbox_era(id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, epoch TEXT NOT NULL, generation INTEGER NOT NULL, UNIQUE(gateway, epoch, generation))",
    "CREATE TABLE outbox_journal(epoch TEXT PRIMARY KEY, raw_before INTEGER) WITHOUT ROWID",
    "CREATE TABLE outbox_numbering(era INTEGER NOT NULL, stream TEXT NOT NULL, lane INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY(era, stream, lane)) WITHOUT ROWID",
    "CREATE TABLE outbox_batch(id INTEGER PRIMARY KEY AUTOINCREMENT, era INTEGER NOT NULL, stream TEXT NOT NULL DEFAULT '', lane INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, records INTEGER NOT NULL, reason TEXT, raw_from INTEGER, encoding TEXT NOT NULL, body BLOB NOT NULL)",
    "CREATE UNIQUE INDEX outbox_batch_order ON outbox_batch(stream, era, lane, first, last, records)",
    "CREATE TABLE outbox_destination(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, active INTEGER NOT NULL)",
    "CREATE TABLE outbox_position(destination INTEGER NOT NULL, era INTEGER NOT NULL, lane INTEGER NOT NULL, delivered INTEGER NOT NULL, attempted INTEGER NOT NULL, PRIMARY KEY(destination, era, lane)) WITHOUT ROWID",
    "CREATE TABLE outbox_ahead(destination INTEGER NOT NULL, era INTEGER NOT NULL, lane INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(destination, era, lane, first)) WITHOUT ROWID",
    "CREATE TABLE outbox_dead_letter(id INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, era INTEGER NOT NULL, lane INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, time INTEGER NOT NULL, reason TEXT NOT NULL, record BLOB NOT NULL)",
    "CREATE TABLE outbox_counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO outbox_era VALUES(1, 'gw', 'e1', 0)",
    "INSERT INTO outbox_journal VALUES('e1', NULL)",
    "INSERT INTO outbox_numbering VALUES(1, '', 1, 4)",
    "INSERT INTO outbox_destination VALUES(1, 'central', 1)",
    "INSERT INTO outbox_position VALUES(1, 1, 1, 2, 2)",
    """
    INSERT INTO outbox_batch(era, lane, first, last, records, encoding, body) VALUES(1, 1, 3, 3, 1, 'gzip', x'\(body)')
    """,
    "PRAGMA user_version=1",
  ]

  private static var body: String {
    let era = Era(id: 1, gateway: "gw", epoch: "e1", generation: 0)
    let plain = BatchBody.make(era, .summary, first: 3, last: 3, lines: [Array(#"{"seq":3,"type":"summary"}"#.utf8)])
    return ((try? Codec.compress(plain, .gzip)) ?? []).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
