import SQLite
import Telemetry
import Windows

/// The tables of windows that were computed: see `DeriveStore`.
enum WindowStore {
  static let schema = [
    """
    CREATE TABLE IF NOT EXISTS derive_window(
      length INTEGER NOT NULL, start INTEGER NOT NULL, device INTEGER NOT NULL, revision INTEGER NOT NULL,
      digest INTEGER NOT NULL, quality INTEGER NOT NULL, heard INTEGER, carries BLOB, carries_from INTEGER,
      content BLOB, written INTEGER NOT NULL, PRIMARY KEY(length, start, device)) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS derive_source(
      start INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(start, first)) WITHOUT ROWID
    """,
    "CREATE TABLE IF NOT EXISTS derive_group(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
  ]

  struct Sealed: Equatable {
    /// -1 where the window never had a record.
    var revision: Int
    /// 0 where it has none now.
    var digest: Int64
    var quality: TimeQuality
    /// When the device was last heard, up to the window's end.
    var heard: Timestamp?
    /// `nil` where the window had no readings: then what `carriesFrom` carried still holds.
    var carries: [UInt8]?
    var carriesFrom: Timestamp?
    /// `nil` where nobody needs it.
    var content: [UInt8]?

    var hasRecord: Bool { digest != 0 }
    /// It was taken back.
    var isVoid: Bool { digest == 0 && carries == nil }
  }

  private static let columns = "revision, digest, quality, heard, carries, carries_from, content"

  private static func read(_ row: Statement, from column: Int32) -> Sealed {
    Sealed(
      revision: Int(row.integer(column)), digest: row.integer(column + 1),
      quality: quality(row.integer(column + 2)),
      heard: row.isNull(column + 3) ? nil : Timestamp(nanoseconds: row.integer(column + 3)),
      carries: row.isNull(column + 4) ? nil : row.blob(column + 4),
      carriesFrom: row.isNull(column + 5) ? nil : Timestamp(nanoseconds: row.integer(column + 5)),
      content: row.isNull(column + 6) ? nil : row.blob(column + 6))
  }

  private static func quality(_ rank: Int64) -> TimeQuality {
    switch rank {
    case 0: .trusted
    case 1: .corrected
    default: .untrusted
    }
  }

  private static func rank(_ quality: TimeQuality) -> Int64 {
    switch quality {
    case .trusted: 0
    case .corrected: 1
    case .untrusted: 2
    }
  }

  // MARK: Windows

  static func window(
    _ frame: Output.Frame, _ device: Int64, _ database: Database
  ) throws(DatabaseError) -> Sealed? {
    let row = try database.statement(
      "SELECT \(columns) FROM derive_window WHERE length = ? AND start = ? AND device = ?")
    defer { row.reset() }
    row.bind(1, frame.length.nanoseconds).bind(2, frame.start.nanoseconds).bind(3, device)
    return try row.step() ? read(row, from: 0) : nil
  }

  /// All windows of this length that begin in the range, by start and device; groups have negative numbers.
  static func windows(
    _ length: Span, _ range: Range<Timestamp>, _ database: Database,
    _ body: (Timestamp, Int64, Sealed) throws -> Void
  ) throws {
    let row = try database.statement(
      "SELECT start, device, \(columns) FROM derive_window WHERE length = ? AND start >= ? AND start < ?")
    defer { row.reset() }
    row.bind(1, length.nanoseconds).bind(2, range.lowerBound.nanoseconds).bind(3, range.upperBound.nanoseconds)
    while try row.step() {
      try body(Timestamp(nanoseconds: row.integer(0)), row.integer(1), read(row, from: 2))
    }
  }

  static func lengths(_ database: Database) throws(DatabaseError) -> [Span] {
    let row = try database.statement("SELECT DISTINCT length FROM derive_window")
    defer { row.reset() }
    var lengths: [Span] = []
    while try row.step() { lengths.append(Span(nanoseconds: row.integer(0))) }
    return lengths
  }

  /// Starts of the windows of this length from `start` on, ascending.
  static func starts(
    _ length: Span, from start: Timestamp, _ database: Database
  ) throws(DatabaseError) -> [Timestamp] {
    let row = try database.statement(
      "SELECT DISTINCT start FROM derive_window WHERE length = ? AND start >= ? AND device > 0")
    defer { row.reset() }
    row.bind(1, length.nanoseconds).bind(2, start.nanoseconds)
    var starts: [Timestamp] = []
    while try row.step() { starts.append(Timestamp(nanoseconds: row.integer(0))) }
    return starts
  }

  /// The start of the device's last window before `start`, or its first one after it; those that were taken back know
  /// nothing any more.
  static func neighbour(
    of start: Timestamp, before: Bool, _ length: Span, _ device: Int64, _ database: Database
  ) throws(DatabaseError) -> Timestamp? {
    let row = try database.statement(
      """
      SELECT start FROM derive_window WHERE length = ? AND start \(before ? "<" : ">") ? AND device = ?
        AND (digest <> 0 OR carries IS NOT NULL) ORDER BY start \(before ? "DESC" : "ASC") LIMIT 1
      """)
    defer { row.reset() }
    row.bind(1, length.nanoseconds).bind(2, start.nanoseconds).bind(3, device)
    return try row.step() ? Timestamp(nanoseconds: row.integer(0)) : nil
  }

  /// - Parameter written: how long the gateway had been running, all in all.
  static func save(
    _ sealed: Sealed, _ frame: Output.Frame, _ device: Int64, written: Span, _ database: Database
  ) throws(DatabaseError) {
    let row = try database.statement("INSERT OR REPLACE INTO derive_window VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    row.bind(1, frame.length.nanoseconds).bind(2, frame.start.nanoseconds).bind(3, device).bind(4, sealed.revision)
      .bind(5, sealed.digest).bind(6, rank(sealed.quality)).bind(11, written.nanoseconds)
    if let heard = sealed.heard { row.bind(7, heard.nanoseconds) }
    if let carries = sealed.carries { row.bind(8, carries) }
    if let from = sealed.carriesFrom { row.bind(9, from.nanoseconds) }
    if let content = sealed.content { row.bind(10, content) }
    try row.run()
  }

  // MARK: Groups

  static func groups(_ database: Database) throws(DatabaseError) -> [String: Int64] {
    let row = try database.statement("SELECT id, name FROM derive_group")
    defer { row.reset() }
    var groups: [String: Int64] = [:]
    while try row.step() { groups[row.text(1)] = row.integer(0) }
    return groups
  }

  static func saveGroup(_ name: String, _ database: Database) throws(DatabaseError) -> Int64 {
    let row = try database.statement("INSERT INTO derive_group(name) VALUES(?) RETURNING id")
    row.bind(1, name)
    defer { row.reset() }
    _ = try row.step()
    let id = row.integer(0)
    while try row.step() {}
    return id
  }

  // MARK: Where a window's readings lie

  static func addSource(
    _ start: Timestamp, _ segments: ClosedRange<Int64>, _ database: Database
  ) throws(DatabaseError) {
    let row = try database.statement(
      """
      INSERT INTO derive_source VALUES(?, ?, ?)
      ON CONFLICT(start, first) DO UPDATE SET last = max(last, excluded.last)
      """)
    try row.bind(1, start.nanoseconds).bind(2, segments.lowerBound).bind(3, segments.upperBound).run()
  }

  /// Ascending; they may overlap.
  static func sources(_ start: Timestamp, _ database: Database) throws(DatabaseError) -> [ClosedRange<Int64>] {
    let row = try database.statement("SELECT first, last FROM derive_source WHERE start = ? ORDER BY first")
    defer { row.reset() }
    row.bind(1, start.nanoseconds)
    var ranges: [ClosedRange<Int64>] = []
    while try row.step() {
      let (first, last) = (row.integer(0), row.integer(1))
      if first <= last { ranges.append(first...last) }
    }
    return ranges
  }

  /// The first segment that holds a reading of a window from `start` on.
  static func sources(from start: Timestamp, _ database: Database) throws(DatabaseError) -> Int64? {
    let row = try database.statement("SELECT min(first) FROM derive_source WHERE start >= ?")
    defer { row.reset() }
    row.bind(1, start.nanoseconds)
    guard try row.step(), !row.isNull(0) else { return nil }
    return row.integer(0)
  }

  // MARK: Forgetting

  struct Place: Equatable {
    var start: Timestamp
    var device: Int64
  }

  /// The oldest rows of this length that nothing after them counts from, until there are `most`: a device's last one
  /// stays, and the one that it says its carries are in.
  ///
  /// - Returns: the rows, and the start of the last one that was looked at.
  static func superseded(
    _ length: Span, before start: Timestamp, atMost most: Int, _ database: Database
  ) throws -> (rows: [Place], passed: Timestamp?) {
    let row = try database.statement(
      """
      SELECT start, device, carries IS NULL, carries_from, digest FROM derive_window WHERE length = ? AND start < ?
      ORDER BY start, device
      """)
    defer { row.reset() }
    row.bind(1, length.nanoseconds).bind(2, start.nanoseconds)
    var found: [Place] = []
    var passed: Timestamp?
    // Of each device: its last window so far, and the one that holds what it carries.
    var latest: [Int64: (start: Timestamp, carries: Timestamp?)] = [:]
    while found.count < most, try row.step() {
      let place = Place(start: Timestamp(nanoseconds: row.integer(0)), device: row.integer(1))
      passed = place.start
      let isBare = row.integer(2) != 0
      // A group's, or one that was taken back: nobody counts from it.
      guard place.device > 0, !isBare || row.integer(4) != 0 else {
        found.append(place)
        continue
      }
      let named = row.isNull(3) ? nil : Timestamp(nanoseconds: row.integer(3))
      let carries = isBare ? named : place.start
      if let old = latest[place.device] {
        if old.start != carries { found.append(Place(start: old.start, device: place.device)) }
        if let held = old.carries, held != old.start, held != carries {
          found.append(Place(start: held, device: place.device))
        }
      }
      latest[place.device] = (place.start, carries)
    }
    return (found, passed)
  }

  static func forget(_ length: Span, _ place: Place, _ database: Database) throws(DatabaseError) {
    try database.statement("DELETE FROM derive_window WHERE length = ? AND start = ? AND device = ?")
      .bind(1, length.nanoseconds).bind(2, place.start.nanoseconds).bind(3, place.device).run()
  }

  /// Forgets windows of this length that began before `start` and have not been written for long: a clock that leaps
  /// ahead makes windows old in no time, and may leap back.
  static func forget(
    _ length: Span, before start: Timestamp, writtenBefore: Span, _ database: Database
  ) throws(DatabaseError) {
    try database.statement("DELETE FROM derive_window WHERE length = ? AND start < ? AND written < ?")
      .bind(1, length.nanoseconds).bind(2, start.nanoseconds).bind(3, writtenBefore.nanoseconds).run()
  }

  /// Forgets where the readings of forgotten windows lie.
  static func forgetSources(_ length: Span, before start: Timestamp, _ database: Database) throws(DatabaseError) {
    try database.statement(
      """
      DELETE FROM derive_source WHERE start < ? AND NOT EXISTS
        (SELECT 1 FROM derive_window AS w WHERE w.length = ? AND w.start = derive_source.start)
      """
    ).bind(1, start.nanoseconds).bind(2, length.nanoseconds).run()
  }

  /// Forgets the windows of every other length.
  static func keepOnly(_ lengths: [Span], _ database: Database) throws(DatabaseError) {
    let known = lengths.map { String($0.nanoseconds) }.joined(separator: ", ")
    try database.execute("DELETE FROM derive_window WHERE length NOT IN (\(known))")
  }
}

extension WindowStore.Sealed {
  /// A window that never had a record, and hands on what a device carried.
  init(anchor carries: [UInt8], heard: Timestamp?) {
    self.init(revision: -1, digest: 0, quality: .trusted, heard: heard, carries: carries)
  }
}
