import Alarms
import SQLite
import Telemetry

/// The tables `derive_alarm` and `derive_heard`: see `DeriveStore`.
enum AlarmStore {
  private enum Phase: Int64 {
    case clear = 0
    case pending = 1
    case raised = 2
  }

  static let heardSchema =
    """
    CREATE TABLE IF NOT EXISTS derive_heard(
      device INTEGER NOT NULL, instance TEXT NOT NULL, series BLOB, time INTEGER NOT NULL,
      PRIMARY KEY(device, instance)) WITHOUT ROWID
    """

  static func save(_ quiet: LastHeard, device: Int64, _ database: Database) throws(DatabaseError) {
    let row = try database.statement("INSERT OR REPLACE INTO derive_heard VALUES(?, ?, ?, ?)")
    row.bind(1, device).bind(2, quiet.series?.key ?? "").bind(4, quiet.time.nanoseconds)
    if let series = quiet.series { row.bind(3, CarryCoding.encode(series)) }
    try row.run()
  }

  static func quiet(
    _ database: Database, devices: [Int64: Device], registry: Registry
  ) throws(DatabaseError) -> [LastHeard] {
    let row = try database.statement("SELECT device, series, time FROM derive_heard")
    defer { row.reset() }
    var quiet: [LastHeard] = []
    while try row.step() {
      guard let device = devices[row.integer(0)] else { continue }
      let series = row.isNull(1) ? nil : CarryCoding.series(row.blob(1), of: device, registry: registry)
      if series == nil, !row.isNull(1) { continue }
      quiet.append(LastHeard(device: device, series: series, time: Timestamp(nanoseconds: row.integer(2))))
    }
    return quiet
  }

  static func save(_ snapshot: AlarmSnapshot, device: Int64, _ database: Database) throws(DatabaseError) {
    let row = try database.statement(
      "INSERT OR REPLACE INTO derive_alarm VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    row.bind(1, snapshot.rule).bind(2, device).bind(3, snapshot.series?.key ?? "")
      .bind(11, snapshot.state.segment)
    // A column of schema 1: what it said is in derive_heard.
    row.bind(10, 0)
    if let series = snapshot.series { row.bind(4, CarryCoding.encode(series)) }
    switch snapshot.state.phase {
    case .clear: row.bind(5, Phase.clear.rawValue)
    case .pending(let since, let received, let value):
      row.bind(5, Phase.pending.rawValue).bind(6, since.nanoseconds).bind(7, received.nanoseconds).bind(8, value)
    case .raised(let id, let at):
      row.bind(5, Phase.raised.rawValue).bind(6, at.nanoseconds).bind(9, id)
      if let record = snapshot.record {
        if let value = record.value { row.bind(8, value) }
        row.bind(12, record.severity.rawValue).bind(13, record.metric).bind(15, record.message)
        if let threshold = record.threshold { row.bind(14, threshold) }
      }
    }
    try row.run()
  }

  static func delete(_ snapshot: AlarmSnapshot, device: Int64, _ database: Database) throws(DatabaseError) {
    try database.statement("DELETE FROM derive_alarm WHERE rule = ? AND device = ? AND instance = ?")
      .bind(1, snapshot.rule).bind(2, device).bind(3, snapshot.series?.key ?? "").run()
  }

  /// Clear ones say only that a segment was judged, which the cursor says once it has passed.
  static func forgetClear(through position: Int64, _ database: Database) throws(DatabaseError) {
    try database.statement("DELETE FROM derive_alarm WHERE phase = 0 AND segment <= ?").bind(1, position).run()
  }

  static func load(
    _ database: Database, devices: [Int64: Device], registry: Registry
  ) throws(DatabaseError) -> [AlarmSnapshot] {
    let row = try database.statement(
      """
      SELECT rule, device, instance, series, phase, since, received, value, id, segment, severity, metric,
        threshold, message FROM derive_alarm
      """)
    defer { row.reset() }
    var snapshots: [AlarmSnapshot] = []
    while try row.step() {
      guard let device = devices[row.integer(1)], let phase = Phase(rawValue: row.integer(4)) else { continue }
      let series = row.isNull(3) ? nil : CarryCoding.series(row.blob(3), of: device, registry: registry)
      if series == nil, !row.text(2).isEmpty { continue }
      let since = Timestamp(nanoseconds: row.integer(5))
      var state = AlarmInstance(segment: row.integer(9))
      var record: AlarmRecord?
      switch phase {
      case .clear: break
      case .pending:
        state.phase = .pending(
          since: since, received: Timestamp(nanoseconds: row.integer(6)), value: row.double(7))
      case .raised:
        state.phase = .raised(id: row.text(8), at: since)
        record = AlarmRecord(
          id: row.text(8), transition: .raised, device: device.name, deviceClass: device.deviceClass,
          site: device.site, rule: row.text(0),
          severity: AlarmRule.Severity(rawValue: row.text(10)) ?? .warning, metric: row.optionalText(11),
          value: row.isNull(7) ? nil : row.double(7), threshold: row.isNull(12) ? nil : row.double(12), time: since,
          message: row.text(13))
      }
      snapshots.append(
        AlarmSnapshot(rule: row.text(0), device: device, series: series, state: state, record: record))
    }
    return snapshots
  }
}
