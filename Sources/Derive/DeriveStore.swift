import Alarms
import SQLite
import Telemetry
import Windows

/// Derive's own tables in `outbox.db`, written in the same transactions as the batches.
///
/// | table | one row for | lives |
/// |---|---|---|
/// | `derive_cursor` | the whole: how far the journal is derived | for ever |
/// | `derive_device` | a device that was ever heard | for ever |
/// | `derive_sealed` | a sealed window of a device: revision, digest, what it carries on | `lateness`, a day at least |
/// | `derive_source` | a run of segments that hold readings of a window | the same |
/// | `derive_alarm` | an alarm rule's state, where it is not simply clear | while it isn't |
/// | `derive_memory` | what messages said that others can't be decoded without (`MemoryStore`) | until a newer one says otherwise |
///
/// Rows of one window lie together, so that sealing a window appends to one place of the file.
enum DeriveStore {
  static let schema = [
    """
    CREATE TABLE IF NOT EXISTS derive_cursor(
      id INTEGER PRIMARY KEY CHECK(id = 1), epoch TEXT NOT NULL, position INTEGER NOT NULL,
      replay_from INTEGER NOT NULL, watermark INTEGER NOT NULL, sealed_through INTEGER, length INTEGER NOT NULL,
      late BLOB NOT NULL)
    """,
    """
    CREATE TABLE IF NOT EXISTS derive_device(
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, class TEXT NOT NULL, site TEXT, interval INTEGER,
      active INTEGER NOT NULL, last_reading INTEGER, carries BLOB)
    """,
    """
    CREATE TABLE IF NOT EXISTS derive_sealed(
      start INTEGER NOT NULL, device INTEGER NOT NULL, revision INTEGER NOT NULL, digest INTEGER NOT NULL,
      untrusted INTEGER NOT NULL, last_reading INTEGER, carries BLOB, carries_from INTEGER,
      PRIMARY KEY(start, device)) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS derive_source(
      start INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(start, first)) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS derive_alarm(
      rule TEXT NOT NULL, device INTEGER NOT NULL, instance TEXT NOT NULL, series BLOB, phase INTEGER NOT NULL,
      since INTEGER, received INTEGER, value REAL, id TEXT, last_time INTEGER NOT NULL, segment INTEGER NOT NULL,
      severity TEXT, metric TEXT, threshold REAL, message TEXT,
      PRIMARY KEY(rule, device, instance)) WITHOUT ROWID
    """,
    MemoryStore.schema,
  ]

  // MARK: Cursor

  struct Cursor {
    var epoch: String
    /// Segments up to here are derived.
    var position: Int64
    /// The first segment that an open window needs.
    var replayFrom: Int64
    /// The latest time of receipt that was passed.
    var watermark: Timestamp
    var sealedThrough: Timestamp?
    /// The windows' length that this was derived with.
    var length: Span
    /// Late readings that have not yet led to revisions.
    var late: LateReadings
  }

  static func cursor(_ database: Database) throws(DatabaseError) -> Cursor? {
    let row = try database.statement(
      "SELECT epoch, position, replay_from, watermark, sealed_through, length, late FROM derive_cursor")
    defer { row.reset() }
    guard try row.step() else { return nil }
    return Cursor(
      epoch: row.text(0), position: row.integer(1), replayFrom: row.integer(2),
      watermark: Timestamp(nanoseconds: row.integer(3)),
      sealedThrough: row.isNull(4) ? nil : Timestamp(nanoseconds: row.integer(4)),
      length: Span(nanoseconds: row.integer(5)), late: LateReadings(encoded: row.blob(6)))
  }

  static func save(_ cursor: Cursor, _ database: Database) throws(DatabaseError) {
    let row = try database.statement("INSERT OR REPLACE INTO derive_cursor VALUES(1, ?, ?, ?, ?, ?, ?, ?)")
    row.bind(1, cursor.epoch).bind(2, cursor.position).bind(3, cursor.replayFrom).bind(4, cursor.watermark.nanoseconds)
      .bind(6, cursor.length.nanoseconds).bind(7, cursor.late.encoded)
    if let through = cursor.sealedThrough { row.bind(5, through.nanoseconds) }
    try row.run()
  }

  /// Forgets everything but the devices' names: for a journal that is not the one this was derived from, or windows of
  /// another length.
  static func forgetWindows(_ database: Database) throws(DatabaseError) {
    for table in ["derive_cursor", "derive_sealed", "derive_source", "derive_alarm", "derive_memory"] {
      try database.execute("DELETE FROM \(table)")
    }
    try database.execute("UPDATE derive_device SET active = 0, last_reading = NULL, carries = NULL")
  }

  // MARK: Devices

  struct DeviceRow {
    var id: Int64
    var device: Device
    var isActive: Bool
    var lastReading: Timestamp?
    var carries: Carries
  }

  static func devices(_ database: Database, registry: Registry) throws(DatabaseError) -> [DeviceRow] {
    let row = try database.statement(
      "SELECT id, name, class, site, interval, active, last_reading, carries FROM derive_device ORDER BY id")
    defer { row.reset() }
    var rows: [DeviceRow] = []
    while try row.step() {
      let device = registry.restore(
        row.text(1), class: DeviceClass(rawValue: row.text(2)) ?? .other, site: row.optionalText(3),
        interval: row.isNull(4) ? nil : Span(nanoseconds: row.integer(4)))
      guard let device else { break }
      rows.append(
        DeviceRow(
          id: row.integer(0), device: device, isActive: row.integer(5) != 0,
          lastReading: row.isNull(6) ? nil : Timestamp(nanoseconds: row.integer(6)),
          carries: row.isNull(7) ? [:] : CarryCoding.decode(row.blob(7), device: device, registry: registry) ?? [:]))
    }
    return rows
  }

  /// Writes the device; returns its row.
  static func save(
    _ device: Device, active: Bool, lastReading: Timestamp?, carries: [UInt8]?, _ database: Database
  ) throws(DatabaseError) -> Int64 {
    let row = try database.statement(
      """
      INSERT INTO derive_device(name, class, site, interval, active, last_reading, carries) VALUES(?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT(name) DO UPDATE SET class = excluded.class, site = excluded.site, interval = excluded.interval,
        active = excluded.active, last_reading = excluded.last_reading, carries = excluded.carries
      RETURNING id
      """)
    row.bind(1, device.name).bind(2, device.deviceClass.rawValue).bind(3, device.site).bind(5, active ? 1 : 0)
    if let interval = device.interval { row.bind(4, interval.nanoseconds) }
    if let lastReading { row.bind(6, lastReading.nanoseconds) }
    if let carries { row.bind(7, carries) }
    defer { row.reset() }
    _ = try row.step()
    let id = row.integer(0)
    while try row.step() {}
    return id
  }

  // MARK: Sealed windows

  struct Sealed {
    /// -1 where the window has no record: only a retained state of a device never heard.
    var revision: Int
    var digest: Int64
    var isUntrusted: Bool
    var lastReading: Timestamp?
    /// `nil` where the window had no readings: then what `carriesFrom` carried still holds.
    var carries: [UInt8]?
    var carriesFrom: Timestamp?
  }

  static func sealed(
    _ start: Timestamp, _ device: Int64, _ database: Database
  ) throws(DatabaseError) -> Sealed? {
    let row = try database.statement(
      """
      SELECT revision, digest, untrusted, last_reading, carries, carries_from FROM derive_sealed
      WHERE start = ? AND device = ?
      """)
    defer { row.reset() }
    row.bind(1, start.nanoseconds).bind(2, device)
    guard try row.step() else { return nil }
    return Sealed(
      revision: Int(row.integer(0)), digest: row.integer(1), isUntrusted: row.integer(2) != 0,
      lastReading: row.isNull(3) ? nil : Timestamp(nanoseconds: row.integer(3)),
      carries: row.isNull(4) ? nil : row.blob(4),
      carriesFrom: row.isNull(5) ? nil : Timestamp(nanoseconds: row.integer(5)))
  }

  static func save(
    _ sealed: Sealed, _ start: Timestamp, _ device: Int64, _ database: Database
  ) throws(DatabaseError) {
    let row = try database.statement("INSERT OR REPLACE INTO derive_sealed VALUES(?, ?, ?, ?, ?, ?, ?, ?)")
    row.bind(1, start.nanoseconds).bind(2, device).bind(3, sealed.revision).bind(4, sealed.digest)
      .bind(5, sealed.isUntrusted ? 1 : 0)
    if let last = sealed.lastReading { row.bind(6, last.nanoseconds) }
    if let carries = sealed.carries { row.bind(7, carries) }
    if let from = sealed.carriesFrom { row.bind(8, from.nanoseconds) }
    try row.run()
  }

  /// The device's last window before `start` that is still kept.
  static func sealed(
    before start: Timestamp, _ device: Int64, _ database: Database
  ) throws(DatabaseError) -> (start: Timestamp, sealed: Sealed)? {
    let row = try database.statement(
      "SELECT start FROM derive_sealed WHERE start < ? AND device = ? ORDER BY start DESC LIMIT 1")
    row.bind(1, start.nanoseconds).bind(2, device)
    let found = try row.step() ? Timestamp(nanoseconds: row.integer(0)) : nil
    row.reset()
    guard let found, let sealed = try sealed(found, device, database) else { return nil }
    return (found, sealed)
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

  static func forgetSealed(_ database: Database) throws(DatabaseError) {
    try database.execute("DELETE FROM derive_sealed")
    try database.execute("DELETE FROM derive_source")
  }

  static func forgetWindows(before start: Timestamp, _ database: Database) throws(DatabaseError) {
    try database.statement("DELETE FROM derive_sealed WHERE start < ?").bind(1, start.nanoseconds).run()
    try database.statement("DELETE FROM derive_source WHERE start < ?").bind(1, start.nanoseconds).run()
  }
}
