import Glibc
import Telemetry
import Testing

@testable import Journal

/// A file system of its own, so small that it fills.
private final class SmallDisk {
  let folder: TemporaryFolder

  init?(size: String) {
    folder = TemporaryFolder()
    guard getuid() == 0, mount("tmpfs", folder.path, "tmpfs", 0, "size=\(size)") == 0 else { return nil }
  }

  var journal: String { folder.journal }

  deinit { umount2(folder.path, Int32(MNT_DETACH)) }

  static let isPossible: Bool = SmallDisk(size: "64k") != nil
}

@Suite("A full disk", .enabled(if: SmallDisk.isPossible, "needs to be root, with the right to mount"))
struct FullDiskTests {
  private func batch(_ generator: inout SeededGenerator) -> SegmentBuilder {
    SegmentBuilder((0..<30).map { _ in Message.random(using: &generator) })
  }

  @Test("nothing is acknowledged that isn't stored, and all goes on once there is room")
  func fullAndBack() throws {
    let disk = try #require(SmallDisk(size: "3m"))
    var options = JournalWriter.Options()
    options.checkpointPages = 64
    options.reserve = 256 << 10
    var writer: JournalWriter? = try JournalWriter(path: disk.journal, options: options)
    var generator = SeededGenerator(seed: 1)
    var stored: [Int64] = []
    var refused: JournalError?
    let waiting = batch(&generator)
    while refused == nil, stored.count < 1000 {
      do throws(JournalError) {
        if let id = try writer?.append(waiting, clock: .at(0)) { stored.append(id) }
      } catch {
        refused = error
      }
    }
    #expect(refused?.kind == .full)
    #expect(refused?.description.contains("max_size") == true)
    #expect(waiting.count == 30)
    #expect(writer?.mustReopen == false)
    #expect(writer?.messageCount == Int64(stored.count * 30))

    // Another try, a new start: nothing is lost, nothing is made up.
    #expect(throws: JournalError.self) {
      for _ in 0..<20 { if let id = try writer?.append(waiting, clock: .at(1)) { stored.append(id) } }
    }
    writer = nil
    writer = try JournalWriter(path: disk.journal, options: options)
    #expect(writer?.openReport.outcome == .opened)
    #expect(try JournalReader(path: disk.journal).all().keys.sorted() == stored)

    // The reserve gives room for the trim; what that one frees is room for the rest.
    writer?.releaseReserve()
    let before = try #require(writer?.newestID)
    while try writer?.trim(before: before, olderThan: nil, limit: 8) ?? 0 > 0 {}
    for _ in 0..<50 {
      let trim = TrimRule(before: (writer?.newestID ?? 0) - 5, limit: 4)
      try writer?.append(batch(&generator), clock: .at(2), trim: trim)
    }
    #expect(writer?.newestID ?? 0 > before)
    let reader = try JournalReader(path: disk.journal)
    #expect(try reader.all().values.allSatisfy { $0?.count == 30 })
  }

  @Test("a full disk at the start gives up the reserve")
  func fullAtStart() throws {
    let disk = try #require(SmallDisk(size: "2m"))
    let copy = TemporaryFolder()
    do {
      let writer = try JournalWriter(path: disk.journal)
      for number in 1...5 { try writer.append(SegmentBuilder([.report(number)]), clock: .at(0)) }
      // A torn end, so that opening has something to write.
      for suffix in ["", "-wal"] { writeFile(copy.journal + suffix, readFile(disk.journal + suffix)) }
    }
    let log = readFile(copy.journal + "-wal")
    writeFile(disk.journal + "-wal", log + log[32..<32 + 1048])
    unlink(disk.journal + "-shm")
    unlink(disk.journal + ".lock")
    writeFile(disk.journal + ".lock", Array("open".utf8))
    writeFile(disk.folder.path + "/filler", [UInt8](repeating: 1, count: 4 << 20))
    let writer = try JournalWriter(path: disk.journal)
    #expect(writer.messageCount == 5)
    #expect(!writer.hasReserve)
    #expect(try writer.append(SegmentBuilder([.report(6)]), clock: .at(0)) > 5)
  }
}
