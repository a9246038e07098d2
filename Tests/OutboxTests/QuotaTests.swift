import SQLite
import Telemetry
import Testing

@testable import Outbox

@Suite("Quota")
struct QuotaTests {
  @Test("after draining the pages are free and are used again: the file stays as it is")
  func pagesAreReused() throws {
    let folder = Folder()
    let outbox = try folder.open(synchronous: "OFF")
    let empty = outbox.bytesInUse
    func outage(_ round: Int) throws -> Int64 {
      for part in 0..<40 {
        let first = round * 4000 + part * 100
        try outbox.append(.summary, first..<first + 100, padding: 100)
      }
      try outbox.drain(.summary)
      let pages = try outbox.transaction { try $0.database.integer("PRAGMA page_count") }
      _ = try outbox.enforceQuota(bytes: 1 << 30)
      return pages
    }
    let first = try outage(0)
    #expect(outbox.bytesInUse < empty + 65_536)
    #expect(try outage(1) <= first + 16)
    #expect(try outage(2) <= first + 16)
  }

  @Test("after a long outage the file gives its pages back")
  func fileShrinks() throws {
    let folder = Folder()
    var outbox: Outbox? = try folder.open(synchronous: "OFF")
    for part in 0..<100 { try outbox?.append(.summary, part * 100..<part * 100 + 100, padding: 500) }
    let full = try #require(try outbox?.transaction { try $0.database.integer("PRAGMA page_count") })
    #expect(full > 600)
    try outbox?.drain(.summary)
    for _ in 0..<10 { _ = try outbox?.enforceQuota(bytes: 1 << 30) }
    outbox = nil
    #expect(try #require(SmallFile.size(folder.database)) < Int(full) * 4096 / 2)
  }

  @Test("status goes before summaries, summaries from the oldest on, alarms never")
  func order() throws {
    let folder = Folder()
    let outbox = try folder.open(synchronous: "OFF")
    for part in 0..<20 {
      for lane in [Lane.alarm, .summary, .status] {
        try outbox.append(lane, part * 20..<part * 20 + 20, padding: 400)
      }
    }
    let full = outbox.bytesInUse
    var report = try outbox.enforceQuota(bytes: full - full / 8)
    #expect(report.droppedRecords[.status] ?? 0 > 0)
    #expect(report.droppedRecords[.summary] == nil)
    #expect(report.fits)
    report = try outbox.enforceQuota(bytes: full / 2)
    #expect(report.droppedRecords[.summary] ?? 0 > 0)
    #expect(report.droppedRecords[.alarm] == nil)
    report = try outbox.enforceQuota(bytes: 1)
    #expect(!report.fits)
    #expect(try outbox.drain(.alarm).count == 400)
    #expect(try outbox.drain(.status) == [#"{"seq":1,"through":400,"type":"dropped","reason":"quota"}"#])
    #expect(try outbox.drain(.summary) == [#"{"seq":1,"through":400,"type":"dropped","reason":"quota"}"#])
    #expect(outbox.droppedRecords == 800)
  }

  @Test("what was perhaps sent is not dropped")
  func attempted() throws {
    let folder = Folder()
    var outbox = try folder.open(synchronous: "OFF")
    for part in 0..<10 { try outbox.append(.summary, [part], padding: 4000) }
    let sent = try outbox.nextBatches(for: "central", lane: .summary, limit: 3)
    outbox = try folder.open(synchronous: "OFF")
    _ = try outbox.enforceQuota(bytes: 1)
    let left = try outbox.nextBatches(for: "central", lane: .summary, limit: 100)
    #expect(Array(left.prefix(3)) == sent)
    #expect(left.count == 4)
    #expect(try left[3].lines == [#"{"seq":4,"through":10,"type":"dropped","reason":"quota"}"#])
  }

  @Test("an accounting that was sent is not merged with a later one")
  func sentAccounting() throws {
    let folder = Folder()
    let outbox = try folder.open(synchronous: "OFF")
    try outbox.append(.summary, [1], padding: 4000)
    _ = try outbox.enforceQuota(bytes: 1)
    let accounting = try #require(try outbox.nextBatch(for: "central", lane: .summary))
    try outbox.append(.summary, [2], padding: 4000)
    _ = try outbox.enforceQuota(bytes: 1)
    #expect(try outbox.nextBatches(for: "central", lane: .summary, limit: 10).map(\.last) == [1, 2])
    #expect(try outbox.nextBatch(for: "central", lane: .summary) == accounting)
  }

  @Test("a dead destination's backlog goes though another destination has received it")
  func deadDestination() throws {
    let folder = Folder()
    let outbox = try folder.open([.init(name: "alive"), .init(name: "dead")], synchronous: "OFF")
    for part in 0..<10 { try outbox.append(.summary, [part], padding: 4000) }
    #expect(try outbox.drain("alive", .summary).count == 10)
    _ = try outbox.enforceQuota(bytes: 1)
    #expect(try outbox.drain("dead", .summary) == [#"{"seq":1,"through":10,"type":"dropped","reason":"quota"}"#])
    #expect(try outbox.nextBatch(for: "alive", lane: .summary) == nil)
  }

  @Test("what only an optional destination lacks goes before anything that a needed one lacks, alarms included")
  func optional() throws {
    let folder = Folder()
    let outbox = try folder.open([.init(name: "a"), .init(name: "spare", optional: true)], synchronous: "OFF")
    for part in 0..<20 { try outbox.append(.alarm, [part], padding: 4000) }
    try outbox.drain("a", .alarm)
    let limit = outbox.bytesInUse - 40_000
    for part in 0..<5 { try outbox.append(.status, [part], padding: 4000) }
    let report = try outbox.enforceQuota(bytes: limit)
    #expect(report.fits)
    #expect(report.droppedRecords.keys.sorted { $0.rawValue < $1.rawValue } == [.alarm])
    #expect(try outbox.drain("a", .status).count == 5)
    #expect(try outbox.drain("spare", .alarm).first?.contains(#""type":"dropped""#) == true)
  }
}
