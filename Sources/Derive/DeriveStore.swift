import Alarms
import Outbox
import SQLite
import Telemetry
import Windows

/// Derive's own tables in `outbox.db`, written in the same transactions as the batches.
///
/// | table | one row for | lives |
/// |---|---|---|
/// | `derive_cursor` | the whole: how far the journal is derived | for ever |
/// | `derive_device` | a device that was ever heard | for ever |
/// | `derive_window` | a window of a device or group: revision, digest, what it carries on, its content where longer windows, groups or late readings will need it | `lateness`, a day at least |
/// | `derive_source` | a run of segments that hold readings of a window | the same |
/// | `derive_group` | a group that ever had a record | for ever |
/// | `derive_clock` | a run of segments whose clock nobody vouched for | as long as its segments |
/// | `derive_alarm` | an alarm rule's state, where it is not simply clear | while it isn't |
/// | `derive_heard` | a device or series that rules judge: when it was last heard, where the segment is not read again | while it is quiet, and after |
/// | `derive_memory` | what messages said that others can't be decoded without (`MemoryStore`) | until a newer one says otherwise |
///
/// Rows of one window lie together, so that sealing a window appends to one place of the file.
enum DeriveStore {
  static let schema =
    [
      """
      CREATE TABLE IF NOT EXISTS derive_cursor(
        id INTEGER PRIMARY KEY CHECK(id = 1), epoch TEXT NOT NULL, position INTEGER NOT NULL,
        replay_from INTEGER NOT NULL, watermark INTEGER NOT NULL, sealed_through INTEGER, length INTEGER NOT NULL,
        late BLOB NOT NULL, longer BLOB, ahead BLOB, boot TEXT, vouched INTEGER, in_run INTEGER NOT NULL DEFAULT 0,
        running INTEGER NOT NULL DEFAULT 0, since INTEGER NOT NULL DEFAULT 0, forgotten INTEGER, whole_from INTEGER,
        listening INTEGER)
      """,
      """
      CREATE TABLE IF NOT EXISTS derive_device(
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, class TEXT NOT NULL, site TEXT, interval INTEGER,
        active INTEGER NOT NULL, last_reading INTEGER, carries BLOB, series BLOB, since INTEGER, labels BLOB)
      """,
      """
      CREATE TABLE IF NOT EXISTS derive_clock(
        first INTEGER PRIMARY KEY, boot TEXT NOT NULL, base INTEGER NOT NULL, since INTEGER NOT NULL,
        vouched INTEGER NOT NULL, offset INTEGER, end INTEGER NOT NULL, mended_through INTEGER NOT NULL)
      """,
      """
      CREATE TABLE IF NOT EXISTS derive_alarm(
        rule TEXT NOT NULL, device INTEGER NOT NULL, instance TEXT NOT NULL, series BLOB, phase INTEGER NOT NULL,
        since INTEGER, received INTEGER, value REAL, id TEXT, last_time INTEGER NOT NULL, segment INTEGER NOT NULL,
        severity TEXT, metric TEXT, threshold REAL, message TEXT,
        PRIMARY KEY(rule, device, instance)) WITHOUT ROWID
      """,
      AlarmStore.heardSchema, MemoryStore.schema,
    ] + WindowStore.schema

  /// Beside the outbox's own connection. Damage that it meets is known to the next opening, or every start would meet
  /// it again.
  static func reader(_ outboxPath: String) throws(DatabaseError) -> Database {
    let database = try Database(path: outboxPath, mode: .reader)
    database.metDamage = { Outbox.suspectDamage(outboxPath) }
    return database
  }

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
    /// The shortest windows' length that this was derived with.
    var length: Span
    /// The longer ones, each with the start of its first window.
    var longer: [Longer]
    /// Late readings that have not yet led to revisions, and readings far ahead of the clock.
    var late: LateReadings
    var ahead: LateReadings
    var boot: String
    var vouchedOffset: Span?
    var isInRun: Bool
    /// How long the gateway has been running, by its boots' clocks.
    var running: Span
    /// The boot-time clock of the last segment.
    var since: Span
    /// Windows before this may be forgotten already.
    var forgotten: Timestamp?
    /// Of windows before this some messages were gone when deriving began, or they were forgotten for want of room.
    var wholeFrom: Timestamp?
    /// Since when the gateway has heard its devices.
    var listening: Timestamp?
  }

  /// A longer length of windows.
  struct Longer: Equatable {
    var length: Span
    /// Windows that begin earlier are not made: a part of them was sealed when nobody asked for this length.
    var from: Timestamp

    static func encode(_ longer: [Longer]) -> [UInt8] {
      var writer = ByteWriter()
      for item in longer {
        writer.integer(item.length.nanoseconds)
        writer.integer(item.from.nanoseconds)
      }
      return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) -> [Longer] {
      var reader = ByteReader(bytes)
      var longer: [Longer] = []
      while let length = reader.integer(), let from = reader.integer() {
        longer.append(Longer(length: Span(nanoseconds: length), from: Timestamp(nanoseconds: from)))
      }
      return longer
    }
  }

  static func cursor(_ database: Database) throws(DatabaseError) -> Cursor? {
    let row = try database.statement(
      """
      SELECT epoch, position, replay_from, watermark, sealed_through, length, late, longer, ahead, boot, vouched, in_run,
        running, since, forgotten, whole_from, listening FROM derive_cursor
      """)
    defer { row.reset() }
    guard try row.step() else { return nil }
    return Cursor(
      epoch: row.text(0), position: row.integer(1), replayFrom: row.integer(2),
      watermark: Timestamp(nanoseconds: row.integer(3)),
      sealedThrough: row.isNull(4) ? nil : Timestamp(nanoseconds: row.integer(4)),
      length: Span(nanoseconds: row.integer(5)), longer: row.isNull(7) ? [] : Longer.decode(row.blob(7)),
      late: LateReadings(encoded: row.blob(6)),
      ahead: row.isNull(8) ? LateReadings(.ahead) : LateReadings(.ahead, encoded: row.blob(8)), boot: row.text(9),
      vouchedOffset: row.isNull(10) ? nil : Span(nanoseconds: row.integer(10)), isInRun: row.integer(11) != 0,
      running: Span(nanoseconds: row.integer(12)), since: Span(nanoseconds: row.integer(13)),
      forgotten: row.isNull(14) ? nil : Timestamp(nanoseconds: row.integer(14)),
      wholeFrom: row.isNull(15) ? nil : Timestamp(nanoseconds: row.integer(15)),
      listening: row.isNull(16) ? nil : Timestamp(nanoseconds: row.integer(16)))
  }

  static func save(_ cursor: Cursor, _ database: Database) throws(DatabaseError) {
    let row = try database.statement(
      """
      INSERT OR REPLACE INTO derive_cursor(id, epoch, position, replay_from, watermark, sealed_through, length, late,
        longer, ahead, boot, vouched, in_run, running, since, forgotten, whole_from, listening)
      VALUES(1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """)
    row.bind(1, cursor.epoch).bind(2, cursor.position).bind(3, cursor.replayFrom).bind(4, cursor.watermark.nanoseconds)
      .bind(6, cursor.length.nanoseconds).bind(7, cursor.late.encoded).bind(8, Longer.encode(cursor.longer))
      .bind(9, cursor.ahead.encoded).bind(10, cursor.boot).bind(12, cursor.isInRun ? 1 : 0)
      .bind(13, cursor.running.nanoseconds).bind(14, cursor.since.nanoseconds)
    if let through = cursor.sealedThrough { row.bind(5, through.nanoseconds) }
    if let offset = cursor.vouchedOffset { row.bind(11, offset.nanoseconds) }
    if let forgotten = cursor.forgotten { row.bind(15, forgotten.nanoseconds) }
    if let wholeFrom = cursor.wholeFrom { row.bind(16, wholeFrom.nanoseconds) }
    if let listening = cursor.listening { row.bind(17, listening.nanoseconds) }
    try row.run()
  }

  /// Forgets everything but the devices' names: for a journal that is not the one this was derived from, or windows of
  /// another length.
  static func forgetWindows(_ database: Database) throws(DatabaseError) {
    for table in ["cursor", "window", "source", "alarm", "heard", "clock", "memory"].map({ "derive_" + $0 }) {
      try database.execute("DELETE FROM \(table)")
    }
    try database.execute("UPDATE derive_device SET active = 0, last_reading = NULL, carries = NULL, since = NULL")
  }

  // MARK: Clock runs

  static func clockRuns(_ database: Database) throws(DatabaseError) -> [ClockRuns.Run] {
    let row = try database.statement(
      "SELECT first, boot, base, since, vouched, offset, end, mended_through FROM derive_clock ORDER BY first")
    defer { row.reset() }
    var runs: [ClockRuns.Run] = []
    while try row.step() {
      runs.append(
        ClockRuns.Run(
          first: row.integer(0), boot: row.text(1), base: Timestamp(nanoseconds: row.integer(2)),
          since: Span(nanoseconds: row.integer(3)), isVouched: row.integer(4) != 0,
          offset: row.isNull(5) ? nil : Span(nanoseconds: row.integer(5)), end: row.integer(6),
          mendedThrough: row.integer(7)))
    }
    return runs
  }

  static func save(_ run: ClockRuns.Run, _ database: Database) throws(DatabaseError) {
    let row = try database.statement("INSERT OR REPLACE INTO derive_clock VALUES(?, ?, ?, ?, ?, ?, ?, ?)")
    row.bind(1, run.first).bind(2, run.boot).bind(3, run.base.nanoseconds).bind(4, run.since.nanoseconds)
      .bind(5, run.isVouched ? 1 : 0).bind(7, run.end).bind(8, run.mendedThrough)
    if let offset = run.offset { row.bind(6, offset.nanoseconds) }
    try row.run()
  }

  static func forgetClockRun(_ first: Int64, _ database: Database) throws(DatabaseError) {
    try database.statement("DELETE FROM derive_clock WHERE first = ?").bind(1, first).run()
  }

  // MARK: Devices

  struct DeviceRow {
    var id: Int64
    var device: Device
    var isActive: Bool
    var lastHeard: Timestamp?
    /// As they lie there: see `Deriver.carries(packed:)`.
    var carries: [UInt8]?
    var series: [UInt8]?
    /// The start of its first window.
    var since: Timestamp?
  }

  static func devices(_ database: Database, registry: Registry) throws(DatabaseError) -> [DeviceRow] {
    let row = try database.statement(
      """
      SELECT id, name, class, site, interval, active, last_reading, carries, series, since, labels FROM derive_device
      ORDER BY id
      """)
    defer { row.reset() }
    var rows: [DeviceRow] = []
    while try row.step() {
      let device = registry.restore(
        row.text(1), class: DeviceClass(rawValue: row.text(2)) ?? .other, site: row.optionalText(3),
        interval: row.isNull(4) ? nil : Span(nanoseconds: row.integer(4)),
        labels: row.isNull(10) ? [] : ByteReader.labels(row.blob(10)))
      guard let device else { break }
      rows.append(
        DeviceRow(
          id: row.integer(0), device: device, isActive: row.integer(5) != 0,
          lastHeard: row.isNull(6) ? nil : Timestamp(nanoseconds: row.integer(6)),
          carries: row.isNull(7) ? nil : row.blob(7), series: row.isNull(8) ? nil : row.blob(8),
          since: row.isNull(9) ? nil : Timestamp(nanoseconds: row.integer(9))))
    }
    return rows
  }

  /// Writes the device; returns its row.
  static func save(
    _ device: Device, active: Bool, lastHeard: Timestamp?, carries: [UInt8]?, _ database: Database
  ) throws(DatabaseError) -> Int64 {
    let row = try database.statement(
      """
      INSERT INTO derive_device(name, class, site, interval, active, last_reading, carries, labels)
      VALUES(?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT(name) DO UPDATE SET class = excluded.class, site = excluded.site, interval = excluded.interval,
        active = excluded.active, last_reading = excluded.last_reading, carries = excluded.carries,
        labels = excluded.labels
      RETURNING id
      """)
    row.bind(1, device.name).bind(2, device.deviceClass.rawValue).bind(3, device.site).bind(5, active ? 1 : 0)
    if let interval = device.interval { row.bind(4, interval.nanoseconds) }
    if let lastHeard { row.bind(6, lastHeard.nanoseconds) }
    if let carries { row.bind(7, carries) }
    if !device.labels.isEmpty { row.bind(8, ByteWriter.labels(device.labels)) }
    defer { row.reset() }
    _ = try row.step()
    let id = row.integer(0)
    while try row.step() {}
    return id
  }

  static func save(series: [UInt8], of device: Int64, _ database: Database) throws(DatabaseError) {
    try database.statement("UPDATE derive_device SET series = ? WHERE id = ?").bind(1, series).bind(2, device).run()
  }

  static func save(since: Timestamp, of device: Int64, _ database: Database) throws(DatabaseError) {
    try database.statement("UPDATE derive_device SET since = ? WHERE id = ?").bind(1, since.nanoseconds)
      .bind(2, device).run()
  }
}
