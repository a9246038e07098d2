import SQLite

/// The tables of `SQLiteCentralStore`.
///
/// Times are nanoseconds since the epoch. A summary's key is (gateway, epoch, device or group, start, end), an alarm's
/// (id, transition), any other record's its number. `covered` holds the numbers that have come, as disjoint ranges.
enum Schema {
  static let version: Int64 = 1

  /// Makes the tables where there are none.
  static func prepare(_ database: Database) throws {
    let found = try database.integer("PRAGMA user_version")
    if found == version { return }
    guard found == 0 else {
      throw DatabaseError(
        code: 26, operation: "opening", path: database.path,
        message: "its schema is version \(found), and this program knows \(version); it was made by a newer one")
    }
    guard try database.integer("SELECT count(*) FROM sqlite_schema") == 0 else {
      throw DatabaseError(
        code: 26, operation: "opening", path: database.path, message: "it holds tables of another program")
    }
    try database.transaction {
      for statement in tables { try database.execute(statement) }
      try database.execute("PRAGMA user_version=\(version)")
    }
  }

  private static let tables = [
    """
    CREATE TABLE gateways(
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, first_contact INTEGER NOT NULL,
      last_contact INTEGER NOT NULL, batches INTEGER NOT NULL DEFAULT 0, records INTEGER NOT NULL DEFAULT 0,
      duplicates INTEGER NOT NULL DEFAULT 0, conflicts INTEGER NOT NULL DEFAULT 0,
      summaries INTEGER NOT NULL DEFAULT 0, alarms INTEGER NOT NULL DEFAULT 0,
      dropped INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0) STRICT
    """,
    "CREATE INDEX gateways_by_contact ON gateways(last_contact)",
    // The status is the epoch's latest by (generation, seq).
    """
    CREATE TABLE epochs(
      id INTEGER PRIMARY KEY, gateway INTEGER NOT NULL REFERENCES gateways(id), epoch TEXT NOT NULL,
      status_generation INTEGER NOT NULL DEFAULT -1, status_seq INTEGER NOT NULL DEFAULT -1, backlog INTEGER,
      status TEXT, UNIQUE(gateway, epoch)) STRICT
    """,
    """
    CREATE TABLE numberings(
      id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL REFERENCES epochs(id), generation INTEGER NOT NULL,
      lane TEXT NOT NULL, stream TEXT NOT NULL, last_contact INTEGER NOT NULL,
      UNIQUE(epoch, generation, lane, stream)) STRICT
    """,
    """
    CREATE TABLE covered(
      numbering INTEGER NOT NULL, last INTEGER NOT NULL, first INTEGER NOT NULL,
      PRIMARY KEY(numbering, last)) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE fingerprints(
      numbering INTEGER NOT NULL, seq INTEGER NOT NULL, hash INTEGER NOT NULL,
      PRIMARY KEY(numbering, seq)) STRICT, WITHOUT ROWID
    """,
    // `kind` is 0 for a device, 1 for a group.
    """
    CREATE TABLE summaries(
      start INTEGER NOT NULL, gateway TEXT NOT NULL, subject TEXT NOT NULL, end INTEGER NOT NULL,
      epoch INTEGER NOT NULL, kind INTEGER NOT NULL, generation INTEGER NOT NULL, revision INTEGER NOT NULL,
      void INTEGER NOT NULL, record TEXT NOT NULL) STRICT
    """,
    "CREATE UNIQUE INDEX summaries_by_key ON summaries(start, gateway, subject, end, epoch, kind)",
    "CREATE INDEX summaries_by_subject ON summaries(subject, start, gateway, end, epoch, kind)",
    // `latest` is the time of the raising where it has come, else of the clearing.
    """
    CREATE TABLE alarms(
      id TEXT NOT NULL PRIMARY KEY, gateway TEXT NOT NULL, epoch INTEGER NOT NULL, generation INTEGER NOT NULL,
      device TEXT NOT NULL, latest INTEGER NOT NULL, raised TEXT, cleared TEXT) STRICT
    """,
    "CREATE INDEX alarms_by_time ON alarms(latest, id)",
    "CREATE INDEX alarms_active ON alarms(latest, id) WHERE raised IS NOT NULL AND cleared IS NULL",
    """
    CREATE TABLE others(
      numbering INTEGER NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, record TEXT NOT NULL,
      PRIMARY KEY(numbering, seq)) STRICT, WITHOUT ROWID
    """,
  ]
}
