import SQLite
import Telemetry

/// The journal's one writer. One owner, on a thread that may block.
///
/// Beside the file (`journal.db`, `-wal`, `-shm`) it keeps `journal.db.lock`, which keeps a second writer away, and
/// `journal.db.reserve`.
public final class JournalWriter {
  public struct Options: Sendable {
    public enum Verification: Sendable {
      /// Looks at the file after anything but an orderly stop: through all of it where it is small.
      case unlessClosedCleanly
      /// For opening anew after damage was met.
      case always
      case never
    }

    /// FULL everywhere but in the negative controls of our own fault tests.
    public var synchronous = "FULL"
    /// Space kept for the day when the disk is full, in bytes; 0 for none.
    public var reserve: Int64 = 1 << 20
    public var verification = Verification.unlessClosedCleanly
    /// The log is moved into the file once it has so many pages: 4 MiB. A longer one saved less than 5 % of the bytes
    /// written, and counts towards the quota.
    public var checkpointPages = 4096
    /// In bytes; for a file that is made now.
    public var pageSize = JournalSchema.pageSize
    /// Names a file that is made now. Another one than random only where a run must repeat another to the bit.
    public var newUUID: @Sendable () -> String = NamedUUID.random

    public init() {}
  }

  public let path: String
  /// Made at random with the file: the epoch of everything that is derived from it.
  public let uuid: String
  public let openReport: OpenReport
  /// After an I/O error or damage: every further call throws, and only opening the journal anew helps.
  public private(set) var mustReopen = false

  private let database: Database
  private var table: SegmentTable
  private let encoder: SegmentEncoder
  private let lock: StoreLock
  private let reserve: ReserveFile

  /// Opens the journal, or makes it.
  ///
  /// A damaged or foreign file is set aside and salvaged; `openReport` tells. A file of a newer schema is left as it
  /// is, and refused.
  public init(path: String, options: Options = Options()) throws(JournalError) {
    self.path = path
    lock = try StoreLock(journal: path)
    reserve = ReserveFile(path: path + ".reserve", size: options.reserve)
    do {
      let opening = JournalOpening(path: path, options: options, wasClean: lock.wasClean)
      let (database, report) = try JournalWriter.open(opening, reserve)
      database.willCheckpoint = { Failpoint.hit("journal.checkpoint") }
      self.database = database
      openReport = report
      uuid = try JournalSchema.uuid(in: database) ?? ""
      table = try SegmentTable(database)
      encoder = try SegmentEncoder()
    } catch {
      throw JournalError(error, operation: "opening", path: path)
    }
    _ = reserve.create()
  }

  /// On a full disk the reserve is there for this.
  private static func open(_ opening: JournalOpening, _ reserve: ReserveFile) throws -> (Database, OpenReport) {
    do {
      return try opening.run()
    } catch let error where JournalError(error, operation: "", path: "").kind == .full && reserve.exists {
      reserve.release()
      return try opening.run()
    }
  }

  deinit {
    guard !mustReopen, database.emptyLog() else { return }
    lock.markClean()
  }

  /// The newest segment's id; where there is none, the highest that may have been given: 0 in a new journal.
  public var newestID: Int64 { table.newestID }

  /// The oldest segment's id; `newestID + 1` where there is none.
  public var oldestID: Int64 { table.oldestID }

  public var messageCount: Int64 { table.messageCount }

  /// Commits the messages as one segment: when this returns, they are on flash. Without messages it is a mark of time.
  ///
  /// The batch is not emptied. Where this throws, nothing of it is stored (after an I/O error: nothing that may be
  /// relied on), and the caller still has it.
  /// - Parameter trim: Deletes old segments in the same transaction, which saves a sync.
  /// - Returns: The segment's id, higher than every one before.
  @discardableResult
  public func append(
    _ batch: SegmentBuilder, clock: ClockReading, trim: TrimRule? = nil
  ) throws(JournalError) -> Int64 {
    try change("committing \(batch.count) messages to") { table in
      let id = table.nextID
      try encoder.encode(batch, journal: uuid, id: id, clock: clock) { frame in
        try table.insert(id: id, clock: clock, count: batch.count, frame: frame)
      }
      if let trim { _ = try table.trim(trim) }
      Failpoint.hit("journal.before-commit")
      return id
    }
  }

  /// Deletes whole segments from the oldest on: those with an id below `before` that were committed before `olderThan`,
  /// at most `limit`, never the newest. Stops at the first one that must stay.
  /// - Returns: How many segments went.
  @discardableResult
  public func trim(before: Int64, olderThan: Timestamp?, limit: Int) throws(JournalError) -> Int {
    try trim(TrimRule(before: before, olderThan: olderThan, limit: limit))
  }

  @discardableResult
  public func trim(_ rule: TrimRule) throws(JournalError) -> Int {
    try change("trimming") { table in try table.trim(rule) }
  }

  /// Ids given from now on are higher than `id`. For one who knows of an id that this file has forgotten, because its
  /// flash lied or an older copy was put back: a cursor must never stand before it.
  public func raiseFloor(to id: Int64) throws(JournalError) {
    guard id >= table.nextID else { return }
    try change("raising the ids of") { table in try table.raiseFloor(to: min(id, JournalSchema.maximumID)) }
  }

  /// Bytes taken: pages that hold something, and the log. Pages freed by a trim are used again and don't count; where
  /// they can't be counted, the file does as a whole.
  public var bytesInUse: Int64 {
    let pages = (try? database.bytesInUse()) ?? FileSystem.size(of: path) ?? 0
    return pages + (FileSystem.size(of: path + "-wal") ?? 0)
  }

  /// Bytes of the file's pages that hold nothing: commits go there before the file grows.
  public var freeBytes: Int64 {
    (try? database.freeBytes()) ?? 0
  }

  /// Whether the reserve stands ready.
  public var hasReserve: Bool { reserve.exists }

  /// Gives the reserved space up, so that commits and trims find room on a full disk.
  public func releaseReserve() { reserve.release() }

  /// Takes the reserve again; false where there is still no space for it.
  @discardableResult
  public func restoreReserve() -> Bool { reserve.create() }

  /// Runs one transaction. What is known of the rows changes only with its commit.
  private func change<T>(
    _ operation: String, _ body: (inout SegmentTable) throws -> T
  ) throws(JournalError) -> T {
    guard !mustReopen else {
      throw JournalError(
        kind: .mustReopen, operation: operation, path: path, reason: "an earlier error ended this writer")
    }
    do {
      return try commitMakingRoom(body)
    } catch {
      let refused = JournalError(error, operation: operation, path: path)
      if refused.kind == .io || refused.kind == .damaged { mustReopen = true }
      if refused.kind == .damaged { Suspicion(journal: path).raise() }
      throw refused
    }
  }

  /// Where the disk is full, the log may have room again once it is moved into pages that the file has already. Trying
  /// again is safe then: a full disk, unlike a failed sync, leaves everything as it was.
  private func commitMakingRoom<T>(_ body: (inout SegmentTable) throws -> T) throws -> T {
    do {
      return try commit(body)
    } catch let error as DatabaseError where error.kind == .full {
      do { try database.checkpoint() } catch  where error.kind == .full { throw error }
      return try commit(body)
    }
  }

  private func commit<T>(_ body: (inout SegmentTable) throws -> T) throws -> T {
    var draft = table
    let result = try database.transaction { try body(&draft) }
    table = draft
    return result
  }
}
