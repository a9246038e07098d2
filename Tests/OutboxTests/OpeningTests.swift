import Glibc
import SQLite
import Telemetry
import Testing

@testable import Outbox

@Suite("Opening")
struct OpeningTests {
  @Test("the first outbox is of generation 0 and says so beside it")
  func first() throws {
    let folder = Folder()
    let outbox = try folder.open()
    #expect(outbox.generation == 0)
    #expect(outbox.openReport.isNew && outbox.openReport.reason == nil)
    #expect(SmallFile.read(folder.path + "/generation") == "e1 0\n")
  }

  @Test("a first start that a power cut left with a rollback journal is rolled back, not refused for ever")
  func rollbackJournal() throws {
    let folder = Folder()
    _ = try folder.open()
    // SQLite takes any that begins with something for one to roll back, and refuses readers until a writer has.
    folder.write("outbox.db-journal", [UInt8](repeating: 0xd9, count: 1024))
    let outbox = try folder.open()
    #expect(outbox.openReport.setAside == nil)
    try outbox.append(.summary, [1])
    #expect(try outbox.nextBatch(for: "central", lane: .summary)?.idempotencyKey == "e1/0/summary/1-1")
  }

  @Test("an outbox that is gone comes back under the next generation")
  func gone() throws {
    let folder = Folder()
    _ = try folder.open()
    for suffix in ["", "-wal", "-shm"] { unlink(folder.database + suffix) }
    let outbox = try folder.open()
    #expect(outbox.generation == 1)
    try outbox.append(.summary, [1])
    #expect(try outbox.nextBatch(for: "central", lane: .summary)?.idempotencyKey == "e1/1/summary/1-1")
  }

  @Test("a file that is no database is set aside", arguments: [100, 5000, 100_000])
  func garbage(size: Int) throws {
    let folder = Folder()
    _ = try folder.open()
    for suffix in ["-wal", "-shm"] { unlink(folder.database + suffix) }
    folder.write("outbox.db", [UInt8](repeating: 0x5a, count: size), truncate: true)
    let outbox = try folder.open()
    #expect(outbox.generation == 1)
    let aside = try #require(outbox.openReport.setAside)
    #expect(aside.contains("/outbox.db.damaged-2") && aside.hasSuffix("-no-database"))
    #expect(SmallFile.size(aside) == size)
    #expect(try folder.open().openReport.setAside == nil)
  }

  @Test("undelivered batches of a damaged file are still sent, under their old generation")
  func salvage() throws {
    let folder = Folder()
    var outbox: Outbox? = try folder.open()
    try outbox?.append(.summary, 0..<10)
    try outbox?.append(.summary, 10..<20)
    let before = try #require(try outbox?.nextBatches(for: "central", lane: .summary, limit: 10))
    try outbox?.delivered([before[0].id], for: "central")
    outbox = nil
    // Suspected twice, with a look in between that found nothing.
    Suspicion(besides: folder.database).raise()
    _ = try folder.open()
    Suspicion(besides: folder.database).raise()
    let made = try folder.open()
    #expect(made.generation == 1)
    #expect(made.openReport.setAside != nil)
    #expect(made.openReport.salvagedBatches == 2)
    try made.append(.summary, [20])
    let after = try made.nextBatches(for: "central", lane: .summary, limit: 10)
    #expect(after.map(\.idempotencyKey) == ["e1/0/summary/11-20", "e1/1/summary/1-1"])
    #expect(after[0].body == before[1].body)
    try made.delivered(after.map(\.id), for: "central")
    #expect(try made.nextBatch(for: "central", lane: .summary) == nil)
  }

  @Test("damage anywhere in the file never stops the start, and what is left stays in order")
  func randomDamage() throws {
    for seed in 0..<25 as Range<UInt64> {
      var dice = Dice(seed)
      let folder = Folder()
      var outbox: Outbox? = try folder.open(synchronous: "OFF")
      for round in 0..<20 { try outbox?.append(.summary, round * 10..<round * 10 + 10, padding: 200) }
      outbox = nil
      let size = try #require(SmallFile.size(folder.database))
      for _ in 0..<3 {
        folder.write(
          "outbox.db", (0..<512).map { _ in UInt8.random(in: 0...255, using: &dice) },
          at: Int.random(in: 0..<size, using: &dice) / 512 * 512)
      }
      // A crash loop would show here: each start may fail while it learns of the damage, but only a few times.
      var failures = 0
      var made: Outbox?
      while made == nil {
        do {
          let candidate = try folder.open(synchronous: "OFF")
          try candidate.append(.alarm, [1])
          try candidate.drain(.alarm)
          try candidate.drain(.summary)
          _ = try candidate.enforceQuota(bytes: 1 << 30)
          made = candidate
        } catch {
          failures += 1
          try #require(failures < 6, "seed \(seed): \(error)")
        }
      }
    }
  }

  @Test("a file by a newer version is refused and left as it is")
  func newer() throws {
    let folder = Folder()
    _ = try folder.open()
    do {
      let database = try Database(path: folder.database, mode: .writer)
      try database.execute("PRAGMA user_version=99")
    }
    #expect { try folder.open() } throws: { error in
      (error as? OutboxError)?.code == .newerSchema && "\(error)".contains("newer version")
    }
    #expect(try Database(path: folder.database, mode: .reader).integer("PRAGMA user_version") == 99)
    #expect(!folder.names.contains { $0.contains("damaged") })
  }

  @Test("someone else's database is set aside, not written into")
  func foreign() throws {
    let folder = Folder()
    do { try Database(path: folder.database, mode: .writer).execute("CREATE TABLE theirs(x)") }
    let outbox = try folder.open()
    let aside = try #require(outbox.openReport.setAside)
    #expect(try Database(path: aside, mode: .reader).integer("SELECT count(*) FROM theirs") == 0)
  }

  @Test("a copy from before is taken for what it is: numbers are not given out twice")
  func stale() throws {
    let folder = Folder()
    _ = try folder.open()
    folder.write("generation", Array("e1 4\n".utf8), truncate: true)
    let outbox = try folder.open()
    #expect(outbox.generation == 5)
    #expect(outbox.openReport.setAside?.hasSuffix("-stale") == true)
  }

  @Test("a first start under another journal is not taken for a copy from before, wherever it is cut short")
  func cutShortUnderOtherEpoch() throws {
    let folder = Folder()
    do { try folder.open().append(.summary, 0..<3) }
    // Where the small file can't be written, the start ends there: what is in the database by then must not be less
    // than what the file would have said.
    mkdir(folder.path + "/generation.new", 0o700)
    #expect(throws: OutboxError.self) { try folder.open(epoch: "e2") }
    rmdir(folder.path + "/generation.new")
    folder.write("generation", Array("e2 0\n".utf8), truncate: true)
    let outbox = try folder.open(epoch: "e2")
    #expect(outbox.openReport == OpenReport())
    #expect(outbox.generation == 0)
  }

  @Test("under another journal numbers start anew, and what the old one left is sent first")
  func otherEpoch() throws {
    let folder = Folder()
    var outbox = try folder.open()
    try outbox.append(.summary, 0..<3)
    try outbox.transaction { $0.rawBefore = 40 }
    outbox = try folder.open(epoch: "e2")
    #expect(outbox.generation == 0)
    #expect(try outbox.derivedBefore() == nil)
    try outbox.append(.summary, 3..<5)
    let keys = try outbox.nextBatches(for: "central", lane: .summary, limit: 10).map(\.idempotencyKey)
    #expect(keys == ["e1/0/summary/1-3", "e2/0/summary/1-2"])
    #expect(try outbox.backlog(for: "central").first { $0.lane == .summary }?.records == 5)
  }

  @Test("a destination that comes later is told what was forgotten before it came")
  func newcomer() throws {
    let folder = Folder()
    var outbox = try folder.open([.init(name: "a")])
    try outbox.append(.summary, 0..<5)
    try outbox.drain("a", .summary)
    #expect(try outbox.enforceQuota(bytes: 1 << 30).deletedBatches == 1)
    try outbox.append(.summary, 5..<7)
    outbox = try folder.open([.init(name: "a"), .init(name: "b", start: .oldest)])
    let lines = try outbox.drain("b", .summary)
    #expect(lines.first == #"{"seq":1,"through":5,"type":"dropped","reason":"before-start"}"#)
    #expect(lines.count == 3)
    #expect(try outbox.drain("a", .summary).count == 2)
    outbox = try folder.open([.init(name: "a"), .init(name: "b", start: .oldest)])
    #expect(try outbox.nextBatch(for: "b", lane: .summary) == nil)
  }

  @Test("a destination that went and came back goes on where it was")
  func comeback() throws {
    let folder = Folder()
    var outbox = try folder.open([.init(name: "a"), .init(name: "b")])
    try outbox.append(.summary, 0..<5)
    try outbox.drain("b", .summary)
    outbox = try folder.open([.init(name: "a")])
    try outbox.append(.summary, 5..<6)
    outbox = try folder.open([.init(name: "a"), .init(name: "b")])
    #expect(try outbox.nextBatches(for: "b", lane: .summary, limit: 10).map(\.first) == [6])
  }

  @Test("of files set aside, only the latest few are kept")
  func pruning() throws {
    let folder = Folder()
    for round in 0..<6 {
      folder.write("outbox.db", Array("garbage \(round)".utf8), truncate: true)
      for suffix in ["-wal", "-shm"] { unlink(folder.database + suffix) }
      _ = try folder.open()
    }
    #expect(folder.names.filter { $0.contains("damaged") }.count == SetAside.kept)
  }
}
