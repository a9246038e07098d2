import Glibc
import SQLite
import Telemetry
import Testing

@testable import Outbox

/// A damaged outbox is set aside, a new one is made, and what can be read of the old one goes over: wherever that is cut
/// short, the next start ends it.
@Suite("A salvage that was cut short")
struct InterruptedSalvageTests {
  private static let aside = "outbox.db.damaged-20261122T000000Z-malformed"

  /// A store whose damaged file has been noted as set aside and renamed, with batches that wait and a dead letter.
  private func interrupted() throws -> (Folder, waiting: [String]) {
    let folder = Folder()
    var outbox: Outbox? = try folder.open()
    try outbox?.append(.summary, [0])
    let refused = try #require(try outbox?.nextBatch(for: "central", lane: .summary))
    try outbox?.refuse(refused, for: "central", reason: "400")
    try outbox?.append(.summary, 1..<11)
    try outbox?.append(.alarm, [1])
    let waiting = try outbox.map(keys) ?? []
    try #require(waiting.contains("e1/0/summary/2-11") && waiting.contains("e1/0/alarm/1-1"))
    outbox = nil
    note(folder)
    for suffix in ["", "-wal"] { rename(folder.database + suffix, "\(folder.path)/\(Self.aside)\(suffix)") }
    unlink(folder.database + "-shm")
    return (folder, waiting)
  }

  private func note(_ folder: Folder) { folder.write("outbox.db.salvage", Array("\(Self.aside)\nit was torn\n".utf8)) }

  private func keys(_ outbox: Outbox) throws -> [String] {
    try [Lane.summary, .alarm].flatMap {
      try outbox.nextBatches(for: "central", lane: $0, limit: 10).map(\.idempotencyKey)
    }
  }

  private func expectAll(_ outbox: Outbox, _ folder: Folder, _ waiting: [String]) throws {
    #expect(try keys(outbox) == waiting)
    #expect(try outbox.deadLetters().count == 1)
    #expect(SmallFile.size(folder.database + ".salvage") == nil)
  }

  @Test("before the new file is made: it is made, told, and filled")
  func renamed() throws {
    let (folder, waiting) = try interrupted()
    let outbox = try folder.open()
    #expect(outbox.generation == 1)
    #expect(outbox.openReport.setAside?.hasSuffix(Self.aside) == true)
    #expect(outbox.openReport.reason == "it was torn")
    #expect(outbox.openReport.salvagedBatches >= waiting.count)
    try expectAll(outbox, folder, waiting)
  }

  @Test("before what was read is written: it is told, and written, under the same generation")
  func made() throws {
    let (folder, waiting) = try interrupted()
    // As it lies there when the power goes between the two: a new file, and nothing of the old one in it.
    unlink(folder.database + ".salvage")
    _ = try folder.open()
    note(folder)
    let outbox = try folder.open()
    #expect(outbox.generation == 1)
    #expect(outbox.openReport.reason == "it was torn")
    try expectAll(outbox, folder, waiting)
  }

  @Test("before the note of it is gone: nothing is written twice")
  func written() throws {
    let (folder, waiting) = try interrupted()
    _ = try folder.open()
    note(folder)
    try expectAll(folder.open(), folder, waiting)
  }

  @Test("before the damaged file was renamed: it is looked at like any other")
  func noted() throws {
    let folder = Folder()
    _ = try folder.open()
    note(folder)
    let outbox = try folder.open()
    #expect(outbox.generation == 0)
    #expect(outbox.openReport.setAside == nil)
    #expect(SmallFile.size(folder.database + ".salvage") == nil)
  }

  @Test("a note that names another folder is none")
  func hostile() throws {
    let folder = Folder()
    _ = try folder.open()
    folder.write("outbox.db.salvage", Array("../../etc/passwd\nit was torn\n".utf8))
    #expect(try folder.open().openReport.setAside == nil)
  }

  @Test("where there is no room for what was read, it is not taken for read")
  func full() throws {
    let (damaged, folder) = (Folder(), Folder())
    var outbox: Outbox? = try damaged.open()
    for round in 0..<20 { try outbox?.append(.summary, round * 10..<round * 10 + 10, padding: 800) }
    let batches = try #require(try outbox?.nextBatches(for: "central", lane: .summary, limit: 100)).count
    outbox = nil
    _ = try folder.open(epoch: "e2")
    let database = try Database(path: folder.database, mode: .writer, checksPages: true)
    let pages = try database.integer("PRAGMA page_count")
    try database.execute("PRAGMA max_page_count=\(pages + 4)")
    let error = #expect(throws: DatabaseError.self) {
      try database.transaction { _ = try Salvage(path: damaged.database).copy(to: database) }
    }
    #expect(error?.kind == .full)
    try database.execute("PRAGMA max_page_count=100000")
    #expect(try database.transaction { try Salvage(path: damaged.database).copy(to: database) } == batches)
  }

  @Test("where there is no room for it the outbox is there all the same, and the next start ends it")
  func noRoom() throws {
    let folder = Folder()
    guard getuid() == 0, mount("tmpfs", folder.path, "tmpfs", 0, "size=8m") == 0 else { return }
    defer { umount2(folder.path, Int32(MNT_DETACH)) }
    var outbox: Outbox? = try folder.open()
    for round in 0..<100 { try outbox?.append(.summary, round * 10..<round * 10 + 10, padding: 1500) }
    let waiting = try outbox.map(keys) ?? []
    outbox = nil
    note(folder)
    rename(folder.database, "\(folder.path)/\(Self.aside)")
    for suffix in ["-wal", "-shm"] { unlink(folder.database + suffix) }
    let filler = try #require(fopen(folder.path + "/others", "we"))
    defer { fclose(filler) }
    var room = statvfs()
    statvfs(folder.path, &room)
    let size = off_t(room.f_bavail) * off_t(room.f_bsize)
    #expect(posix_fallocate(fileno(filler), 0, size) == 0)
    // Room for an empty outbox and its log.
    ftruncate(fileno(filler), size - (400 << 10))
    var made: Outbox? = try folder.open()
    #expect(made?.openReport.salvagedBatches == 0)
    #expect(made?.openReport.reason?.contains("no room") == true)
    try made?.append(.alarm, [1])
    made = nil
    ftruncate(fileno(filler), 0)
    // As much as the old file took, and a log of the copy.
    #expect(mount(nil, folder.path, nil, UInt(MS_REMOUNT), "size=32m") == 0)
    let ended = try folder.open()
    #expect(try keys(ended).filter { $0.hasPrefix("e1/0/") } == waiting)
    #expect(SmallFile.size(folder.database + ".salvage") == nil)
  }

  @Test("a log whose file is empty or gone is set aside and salvaged, not deleted", arguments: [true, false])
  func logAlone(isGone: Bool) throws {
    let (source, folder) = (Folder(), Folder())
    let outbox = try source.open()
    try outbox.append(.summary, 0..<10)
    // As after a kill: the log is there as it stood.
    for suffix in ["", "-wal"] {
      #expect(copy(source.database + suffix, to: folder.database + suffix))
    }
    _ = copy(source.path + "/generation", to: folder.path + "/generation")
    if isGone { unlink(folder.database) } else { truncate(folder.database, 0) }
    let made = try folder.open()
    #expect(made.openReport.setAside?.hasSuffix("-missing") == true)
    #expect(made.generation == 1)
    #expect(made.openReport.salvagedBatches == 1)
    #expect(try keys(made) == ["e1/0/summary/1-10"])
  }

  private func copy(_ from: String, to: String) -> Bool {
    guard let source = fopen(from, "re"), let target = fopen(to, "we") else { return false }
    defer {
      fclose(source)
      fclose(target)
    }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&bytes, 1, bytes.count, source), count > 0 { fwrite(bytes, 1, count, target) }
    return true
  }
}
