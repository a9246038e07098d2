import SQLite
import Telemetry

/// Makes a new journal of what can be read in a damaged one, and puts it in its place.
///
/// A power cut at any point leaves either the damaged file in its place, so that all is done again, or a finished new
/// one beside it, so that only the renaming is done again.
struct Salvage {
  let path: String
  let options: JournalWriter.Options

  /// The new file while it is made. Without the schema's mark it is not finished.
  private var draft: String { path + ".salvage" }
  private static let companions = ["", "-wal", "-shm"]

  /// Ids after a salvage start at the next multiple of this. How many were given before is unknown where the newest
  /// rows are lost, but 2^32 commits, five a second, take 27 years.
  private static let idStride: Int64 = 1 << 32

  /// Segments per transaction of the new file.
  private static let batch = 64

  func run(reason: String, word: String) throws -> OpenReport {
    // It may be as large as the journal, and is the older one.
    for old in FileSystem.paths(startingWith: path + ".damaged-") { try FileSystem.remove(old) }
    try removeDraft()
    var report = OpenReport(outcome: .salvaged, reason: reason)
    let target = freeName(word)
    report.setAside = target
    try make(&report, target: target)
    try swap(to: target)
    return report
  }

  /// Ends a salvage that a power cut interrupted.
  func finishInterrupted() throws -> OpenReport? {
    guard FileSystem.exists(draft) else { return nil }
    guard let target = try finishedDraftTarget() else {
      try removeDraft()
      return nil
    }
    try swap(to: target)
    var report = OpenReport(outcome: .salvaged, reason: "an earlier start was interrupted while it salvaged")
    report.setAside = target
    return report
  }

  /// Where the damaged file goes, by a finished draft; `nil` where it isn't finished.
  private func finishedDraftTarget() throws -> String? {
    do {
      let database = try Database(path: draft, mode: .writer)
      guard try JournalSchema.isMarked(database) else { return nil }
      try database.checkpoint()
      return try database.text("SELECT value FROM meta WHERE key = 'replaces'")
    } catch let error as DatabaseError where error.kind == .corrupt || error.kind == .other {
      return nil
    }
  }

  private func removeDraft() throws {
    for companion in Salvage.companions { try FileSystem.remove(draft + companion) }
  }

  /// The database first: as long as it stands in its place, its log must as well.
  private func swap(to target: String) throws {
    for companion in ["-wal", "-shm"] { try FileSystem.remove(draft + companion) }
    for companion in Salvage.companions { try FileSystem.moveIfThere(path + companion, to: target + companion) }
    try FileSystem.syncFolder(of: path)
    try FileSystem.move(draft, to: path)
    try FileSystem.syncFolder(of: path)
  }

  private func freeName(_ word: String) -> String {
    let second = ClockReading.now().wall.floored(to: .seconds(1))
    let time = RFC3339.format(second).filter { $0 != "-" && $0 != ":" }
    return "\(path).damaged-\(time)-\(word)"
  }

  // MARK: - Making the new file

  /// What the damaged file still tells through SQLite.
  private struct Remains {
    var uuid: String?
    var floor: Int64 = 0
    /// Rows up to it were deleted on purpose; their bytes may lie about all the same. Not by the oldest row that is to
    /// be seen: damage hides rows, too.
    var trimmedID: Int64 = 0
  }

  private func remains() -> Remains {
    var remains = Remains()
    guard let database = try? Database(path: path, mode: .reader) else { return remains }
    remains.uuid = (try? JournalSchema.uuid(in: database)).flatMap { $0 }
    remains.floor = (try? JournalSchema.floor(in: database)) ?? 0
    remains.trimmedID = (try? JournalSchema.trimmedID(in: database)) ?? 0
    return remains
  }

  private func make(_ report: inout OpenReport, target: String) throws {
    let remains = remains()
    let (carver, finds) = try carve()
    // A UUID that no segment names is damaged itself.
    let isNamed = finds.isEmpty || finds.values.contains { $0.journal == remains.uuid }
    let uuid = isNamed ? remains.uuid : owner(of: finds)
    report.keptUUID = uuid != nil
    // Rows deleted on purpose, and what another journal left behind, stay away.
    let kept = finds.values.filter { $0.journal == uuid && $0.find.id > remains.trimmedID }.map(\.find)
      .sorted { $0.id < $1.id }
    let highest = max(remains.floor, kept.last?.id ?? 0)
    let floor = min((highest / Salvage.idStride + 1) * Salvage.idStride, JournalSchema.maximumID)
    let database = try Database(
      path: draft, mode: .writer, synchronous: options.synchronous, pageSize: options.pageSize)
    try JournalSchema.create(
      in: database, uuid: uuid ?? options.newUUID(), floor: uuid == nil ? 0 : floor, finished: false)
    try copy(kept, with: carver, into: database, &report)
    try database.transaction {
      try database.statement("INSERT INTO meta VALUES ('replaces', ?)").bind(1, target).run()
      try JournalSchema.mark(database)
    }
    try database.checkpoint()
  }

  private typealias Found = [Int64: (find: SegmentCarver.Find, journal: String)]

  /// Everything that decodes, once. Tries the page sizes that the files name, then our own.
  private func carve() throws -> (SegmentCarver, Found) {
    let header = RawFile(path: path)?.read(at: 0, count: FileHeader.length) ?? []
    let named = header.count > 17 ? FileHeader.pageSize(Int64(header[16]) << 8 | Int64(header[17])) : nil
    var sizes = [named, options.pageSize, JournalSchema.pageSize].compactMap { $0 }
    if let log = LogImage(path: path + "-wal", fallbackPageSize: options.pageSize) { sizes.append(log.pageSize) }
    var best: (SegmentCarver, Found) = (try SegmentCarver(file: nil, log: nil), [:])
    for (index, size) in sizes.enumerated() where !sizes[..<index].contains(size) {
      let log = LogImage(path: path + "-wal", fallbackPageSize: size)
      let carver = try SegmentCarver(
        file: PageFile(path: path, pageSize: size), log: log?.pageSize == size ? log : nil)
      var found: Found = [:]
      carver.forEach { find, segment in
        guard (1...JournalSchema.maximumID).contains(find.id), found[find.id] == nil else { return }
        found[find.id] = (find, segment.journal)
      }
      if found.count > best.1.count { best = (carver, found) }
      if !found.isEmpty { break }
    }
    return best
  }

  /// The journal that wrote the newest segment.
  private func owner(of found: Found) -> String? { found.max { $0.key < $1.key }?.value.journal }

  private func copy(
    _ finds: [SegmentCarver.Find], with carver: SegmentCarver, into database: Database, _ report: inout OpenReport
  ) throws {
    var table = try SegmentTable(database)
    var last: Int64?
    var start = 0
    while start < finds.count {
      let end = min(start + Salvage.batch, finds.count)
      try database.transaction {
        for find in finds[start..<end] {
          guard let (frame, segment) = carver.read(find) else { continue }
          try frame.withUnsafeBytes { bytes in
            try table.insert(id: find.id, clock: segment.clock, count: segment.count, frame: bytes)
          }
          if let last, find.id > last + 1, report.gaps.count < OpenReport.maximumGaps {
            report.gaps.append(last + 1...find.id - 1)
          }
          last = find.id
          report.salvagedSegments += 1
          report.salvagedMessages += segment.count
        }
      }
      start = end
    }
  }
}
