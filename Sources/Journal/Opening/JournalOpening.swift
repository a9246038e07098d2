import SQLite
import Telemetry

/// Opens a journal for writing, whatever a crash, a worn-out flash or a stranger has left in its place.
///
/// In order: end an interrupted salvage; look at the first page without SQLite, so that a file of a newer version is
/// not touched; let SQLite open it; after anything but an orderly stop, have SQLite check the structure, and look for
/// committed segments behind damage in the log, which SQLite forgets without a word. What fails is salvaged.
struct JournalOpening {
  let path: String
  let options: JournalWriter.Options
  let wasClean: Bool

  private var logPath: String { path + "-wal" }

  private struct Damage: Error {
    let reason: String
    /// One word for the name of the file that is set aside.
    let word: String
  }

  func run() throws -> (database: Database, report: OpenReport) {
    let salvage = Salvage(path: path, options: options)
    if let report = try salvage.finishInterrupted() { return (try open(), report) }
    do {
      return try attempt()
    } catch let damage as Damage {
      let report = try salvage.run(reason: damage.reason, word: damage.word)
      return (try open(), report)
    }
  }

  private func open() throws(DatabaseError) -> Database {
    try Database(
      path: path, mode: .writer, synchronous: options.synchronous, pageSize: options.pageSize,
      checkpointPages: options.checkpointPages)
  }

  private func attempt() throws -> (database: Database, report: OpenReport) {
    let log = LogImage(path: logPath, fallbackPageSize: options.pageSize)
    let isNew = try examine(log)
    let mustCheck = options.verification == .always || options.verification == .unlessClosedCleanly && !wasClean
    do {
      let database = try open()
      if isNew {
        try JournalSchema.create(in: database, uuid: NamedUUID.random(), floor: 0)
        return (database, OpenReport(outcome: .created))
      }
      if mustCheck, let finding = try database.text("PRAGMA quick_check(1)"), finding != "ok" {
        throw Damage(reason: "SQLite finds: \(finding.prefix(200))", word: "pages")
      }
      guard try JournalSchema.uuid(in: database) != nil else {
        throw Damage(reason: "it has lost its UUID", word: "schema")
      }
      guard try database.integer("SELECT max(id) FROM segment") < JournalSchema.maximumID else {
        throw Damage(reason: "it holds an impossible id", word: "pages")
      }
      var report = OpenReport(outcome: .opened)
      if !wasClean, let log { try recover(behind: log, into: database, &report) }
      return (database, report)
    } catch let error as DatabaseError where error.kind == .corrupt || error.kind == .other {
      throw Damage(reason: error.message, word: error.kind == .corrupt ? "pages" : "schema")
    }
  }

  /// Looks at the file without touching it.
  /// - Returns: Whether it has yet to be made.
  private func examine(_ log: LogImage?) throws -> Bool {
    let size = FileSystem.size(of: path) ?? 0
    if size == 0 {
      guard let log, !log.frames.isEmpty else { return true }
      // SQLite would delete the log.
      throw Damage(reason: "its log is there, but the file itself is empty or gone", word: "missing")
    }
    // A first start that was cut short before the file had a log: SQLite rolls it back.
    if (FileSystem.size(of: path + "-journal") ?? 0) > 0 { return try hasNoTables() }
    guard let stored = FileSystem.contents(of: path, limit: 4096) else {
      throw FileError("reading", path)
    }
    let header: FileHeader
    do {
      header = try FileHeader(log?.newestPage(1).map(Array.init) ?? stored)
    } catch {
      throw Damage(reason: error.reason, word: "header")
    }
    if header.isEmpty { return true }
    guard header.applicationID == JournalSchema.applicationID else {
      throw Damage(reason: "it was not made by this program (application id \(header.applicationID))", word: "foreign")
    }
    guard header.userVersion != JournalSchema.version else { return false }
    // The version stands in a table as well: where that one says otherwise, the header has been damaged.
    if header.userVersion > JournalSchema.version, storedVersion() != JournalSchema.version {
      throw JournalError(
        kind: .newerSchema, operation: "opening", path: path,
        reason: "its schema is version \(header.userVersion), this program knows \(JournalSchema.version)")
    }
    throw Damage(reason: "its header says schema \(header.userVersion), which it is not", word: "header")
  }

  private func hasNoTables() throws -> Bool {
    let database = try open()
    return try database.integer("SELECT count(*) FROM sqlite_schema") == 0
  }

  private func storedVersion() -> Int64? {
    guard let database = try? Database(path: path, mode: .reader) else { return nil }
    return try? database.integer("SELECT value FROM meta WHERE key = 'schema'")
  }

  /// Puts back what was committed behind damage in the log. Ids that may have been given there are not given again.
  private func recover(behind log: LogImage, into database: Database, _ report: inout OpenReport) throws {
    guard log.believed < log.frames.count else { return }
    let newest = try JournalSchema.newestID(in: database)
    let uuid = try JournalSchema.uuid(in: database)
    let carver = try SegmentCarver(file: nil, log: log)
    var finds: [Int64: SegmentCarver.Find] = [:]
    carver.forEach(fromFrame: log.believed) { find, segment in
      let possible = newest + 1...newest + Int64(log.frames.count)
      if segment.journal == uuid, possible.contains(find.id) { finds[find.id] = find }
    }
    guard !finds.isEmpty || log.disbelieved > 0 else { return }
    var table = try SegmentTable(database)
    try database.transaction {
      for find in finds.values.sorted(by: { $0.id < $1.id }) {
        guard let (frame, segment) = carver.read(find) else { continue }
        let last = table.newestID
        try frame.withUnsafeBytes { bytes in
          try table.insert(id: find.id, clock: segment.clock, count: segment.count, frame: bytes)
        }
        if find.id > last + 1, report.gaps.count < OpenReport.maximumGaps {
          report.gaps.append(last + 1...find.id - 1)
        }
        report.salvagedSegments += 1
        report.salvagedMessages += segment.count
      }
      // Each lost frame may have been a commit of its own.
      try table.raiseFloor(to: max(table.newestID, newest + Int64(log.disbelieved)))
    }
    guard report.salvagedSegments > 0 else { return }
    report.outcome = .repaired
    report.reason = "its log is damaged before its end"
  }
}
