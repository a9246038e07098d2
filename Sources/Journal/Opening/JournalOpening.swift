import SQLite
import Telemetry

/// Opens a journal for writing, whatever a crash, a worn-out flash or a stranger has left in its place.
///
/// In order: end an interrupted salvage; look at the first page without SQLite, so that a file of a newer version is
/// not touched; let SQLite open it; after anything but an orderly stop, look at the structure, and look for
/// committed segments behind damage in the log, which SQLite forgets without a word. What fails is salvaged.
///
/// The work is bounded whatever the journal's size: SQLite checks the structure of a small file whole; of a large one
/// only the list of free pages and the newest segments are looked at, and `JournalExamination` does the rest while the
/// journal is in use. Where that one, or anyone else, meets a damaged page, it raises the `Suspicion`, and the next
/// opening looks at everything.
struct JournalOpening {
  let path: String
  let options: JournalWriter.Options
  let wasClean: Bool

  /// SQLite checks a file whole up to this size: half a second on slow flash.
  static let wholeBytes: Int64 = 16 << 20
  /// A log beyond this is left to SQLite alone: its image would be most of the memory that a start may take.
  static let logBytes = 24 << 20
  /// So many of the newest segments are read where a file is not checked whole, and no more once they hold so much.
  static let newestSegments: Int64 = 64
  static let newestBytes = 4 << 20

  private var suspicion: Suspicion { Suspicion(journal: path) }
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
      try suspicion.forget()
      return (try open(), report)
    }
  }

  private func open() throws(DatabaseError) -> Database {
    try Database(
      path: path, mode: .writer, synchronous: options.synchronous, pageSize: options.pageSize,
      checkpointPages: options.checkpointPages)
  }

  private func attempt() throws -> (database: Database, report: OpenReport) {
    let log = LogImage(path: logPath, fallbackPageSize: options.pageSize, limit: JournalOpening.logBytes)
    let isNew = try examine(log)
    let look = isNew ? .nothing : look(log)
    do {
      let database = try open()
      if isNew {
        try JournalSchema.create(in: database, uuid: options.newUUID(), floor: 0)
        return (database, OpenReport(outcome: .created))
      }
      var report = OpenReport(outcome: .opened)
      if look == .whole || look == .newest && !newestAreSound(in: database) {
        try checkWhole(database)
      } else {
        report.isExamined = look == .nothing
      }
      try JournalSchema.bring(database)
      guard try JournalSchema.isAsMade(database) else {
        throw Damage(reason: "its tables are described otherwise than they were made", word: "schema")
      }
      guard try JournalSchema.uuid(in: database) != nil else {
        throw Damage(reason: "it has lost its UUID", word: "schema")
      }
      guard try database.integer("SELECT max(id) FROM segment") < JournalSchema.maximumID else {
        throw Damage(reason: "it holds an impossible id", word: "pages")
      }
      try lookAtUUID(in: database)
      if !wasClean {
        if let log { try recover(behind: log, into: database, &report) }
        try database.settle()
      }
      return (database, report)
    } catch let error as DatabaseError where [.corrupt, .constraint].contains(error.kind) || error.isOfContent {
      throw Damage(reason: error.message, word: error.kind == .other ? "schema" : "pages")
    }
  }

  private var firstPage: [UInt8]? { RawFile(path: path)?.read(at: 0, count: 4096) }

  private enum Look { case nothing, newest, whole }

  /// How closely the file must be looked at.
  private func look(_ log: LogImage?) -> Look {
    switch suspicion.level {
    case .suspected, .condemned: return .whole
    case nil, .cleared: break
    }
    switch options.verification {
    case .never: return .nothing
    case .always: return .whole
    case .unlessClosedCleanly:
      if wasClean { return .nothing }
      let size = FileSystem.size(of: path) ?? 0
      guard size > JournalOpening.wholeBytes else { return .whole }
      let header = log?.newestPage(1).map(Array.init) ?? firstPage ?? []
      guard let pageSize = try? FileHeader(header).pageSize, let file = PageFile(path: path, pageSize: pageSize) else {
        return .whole
      }
      return FreeList(file: file, log: log).fault == nil ? .newest : .whole
    }
  }

  /// Each segment names the journal that it belongs to. Where the newest ones agree on another one, it is not they that
  /// are damaged.
  private func lookAtUUID(in database: Database) throws {
    let uuid = try JournalSchema.uuid(in: database)
    let row = try database.statement("SELECT content FROM segment ORDER BY id DESC LIMIT 3")
    defer { row.reset() }
    let decoder = try SegmentDecoder()
    var named: Set<String> = []
    var count = 0
    while try row.step() {
      guard let segment = try? row.withBlob(0, { try decoder.decode($0) }) else { continue }
      named.insert(segment.journal)
      count += 1
    }
    guard count > 1, named.count == 1, named.first != uuid else { return }
    throw Damage(reason: "its UUID is not the one that its segments name", word: "uuid")
  }

  private func checkWhole(_ database: Database) throws {
    if suspicion.level == .condemned { throw Damage(reason: "damaged pages were met more than once", word: "pages") }
    if let finding = try database.text("PRAGMA quick_check(1)"), finding != "ok" {
      throw Damage(reason: "SQLite finds: \(finding.prefix(200))", word: "pages")
    }
    if suspicion.level == .suspected { suspicion.clear() }
  }

  /// Reads what was written last, where a crash is likeliest to have left something behind.
  private func newestAreSound(in database: Database) -> Bool {
    guard let newest = try? JournalSchema.newestID(in: database), let reader = try? JournalReader(path: path),
      let items = try? reader.segments(
        after: newest - JournalOpening.newestSegments, limit: Int(JournalOpening.newestSegments),
        maxBytes: JournalOpening.newestBytes)
    else { return false }
    return !reader.metDamagedPage
      && items.allSatisfy { item in
        if case .damaged = item { false } else { true }
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
    guard let stored = firstPage else {
      throw FileError("reading", path)
    }
    let header: FileHeader
    do {
      header = try FileHeader(log?.newestPage(1).map(Array.init) ?? stored)
    } catch {
      throw Damage(reason: error.reason, word: "header")
    }
    if header.isEmpty {
      if let log, try holdsSegments(log) {
        throw Damage(reason: "its log is damaged near its beginning, and segments lie behind", word: "log")
      }
      return true
    }
    guard header.applicationID == JournalSchema.applicationID else {
      throw Damage(reason: "it was not made by this program (application id \(header.applicationID))", word: "foreign")
    }
    if JournalSchema.chain.knows(header.userVersion) { return false }
    // The version stands in a table as well: where that one says otherwise, the header has been damaged.
    if header.userVersion > JournalSchema.version, storedVersion().map(JournalSchema.chain.knows) != true {
      throw JournalError(
        kind: .newerSchema, operation: "opening", path: path,
        reason: "its schema is version \(header.userVersion), this program knows \(JournalSchema.version)")
    }
    throw Damage(reason: "its header says schema \(header.userVersion), which it is not", word: "header")
  }

  /// Among what SQLite will pass over. A first start that was cut short has left none.
  private func holdsSegments(_ log: LogImage) throws -> Bool {
    var found = false
    try SegmentCarver(file: nil, log: log).forEach(fromFrame: log.believed) { _, _ in found = true }
    return found
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
    guard report.salvagedSegments > 0 || log.hidesCommitted else { return }
    report.outcome = .repaired
    report.reason = "its log is damaged before its end"
  }
}
