import SQLite

/// The tables of outbox.db. Every name begins with `outbox_`, since others keep tables in the same file.
///
/// - `era`: who numbers: (gateway, epoch, generation). Batches of an older one keep their numbers until delivered.
/// - `journal`: how far each journal (by its UUID) is derived.
/// - `numbering`: the next `seq` of each era and lane.
/// - `batch`: what was sealed. `reason` is set where the batch is an accounting for dropped records. `raw_from` is
///   how far the journal was derived before the batch's transaction: what the batch holds came from there or later.
/// - `position`: how far a destination has come on a lane. All up to `delivered` is settled (delivered or a dead
///   letter); nothing beyond `attempted` was ever sent.
/// - `ahead`: ranges that were settled before something older was; neighbours are one row.
/// - `attempt`: ranges beyond `attempted` that were perhaps sent, since live batches overtake a backlog.
/// - `stream`: numberings: who wants the same shares one. The filter is kept as `RecordFilter.canonical`.
/// - `subscription`: of which numberings a destination gets what. The present one is in `destination`; earlier ones are
///   those from before its filter was changed, still to be delivered.
/// - `budget`: what a destination has used of a calendar month.
/// - `request`: raw messages that a destination asked for, and how far the journal was read for them.
///
/// The column `stream` of `batch` and `numbering` is always empty: an era belongs to one stream.
enum Schema {
  static var version: Int64 { chain.newest }
  /// A step for each version since the first; see `SchemaChain`.
  static var chain: SchemaChain { SchemaChain(oldest: 1, steps: [streams, longerWindows, labels, heard]) }

  /// "LumO": a file whose pages bear checksums.
  static let applicationID: Int64 = 0x4c75_6d4f

  /// To version 5: alarms are judged after a restart as without one. What was ever heard and is not retired may be silent;
  /// since when, was not written down.
  private static func heard(_ database: Database) throws {
    guard try database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'derive_cursor'") == 1 else { return }
    try database.execute("ALTER TABLE derive_cursor ADD COLUMN listening INTEGER")
    try database.execute(
      """
      CREATE TABLE derive_heard(
        device INTEGER NOT NULL, instance TEXT NOT NULL, series BLOB, time INTEGER NOT NULL,
        PRIMARY KEY(device, instance)) WITHOUT ROWID
      """)
    try database.execute(
      "INSERT INTO derive_heard SELECT id, '', NULL, -9223372036854775808 FROM derive_device WHERE active")
  }

  /// To version 4: devices bear labels, and Derive knows from where on its windows are whole. And pages bear checksums,
  /// which a program that knows only version 3 would not keep up: they are written anew before (see `Opening`).
  private static func labels(_ database: Database) throws {
    guard try database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'derive_cursor'") == 1 else { return }
    try database.execute("ALTER TABLE derive_device ADD COLUMN labels BLOB")
    try database.execute("ALTER TABLE derive_cursor ADD COLUMN whole_from INTEGER")
  }

  /// To version 3: windows have lengths, and clocks a history. The tables are those of `DeriveStore`.
  private static func longerWindows(_ database: Database) throws {
    let isThere = "SELECT count(*) FROM sqlite_schema WHERE name = 'derive_sealed'"
    guard try database.integer(isThere) == 1 else { return }
    for column in [
      "longer BLOB", "ahead BLOB", "boot TEXT", "vouched INTEGER", "in_run INTEGER NOT NULL DEFAULT 0",
      "running INTEGER NOT NULL DEFAULT 0", "since INTEGER NOT NULL DEFAULT 0", "forgotten INTEGER",
    ] {
      try database.execute("ALTER TABLE derive_cursor ADD COLUMN \(column)")
    }
    for column in ["series BLOB", "since INTEGER"] {
      try database.execute("ALTER TABLE derive_device ADD COLUMN \(column)")
    }
    try database.execute(
      """
      CREATE TABLE derive_window(
        length INTEGER NOT NULL, start INTEGER NOT NULL, device INTEGER NOT NULL, revision INTEGER NOT NULL,
        digest INTEGER NOT NULL, quality INTEGER NOT NULL, heard INTEGER, carries BLOB, carries_from INTEGER,
        content BLOB, written INTEGER NOT NULL, PRIMARY KEY(length, start, device)) WITHOUT ROWID
      """)
    // Records are written a little differently now: a digest of old stands for any record, and is no other's.
    try database.execute(
      """
      INSERT INTO derive_window
      SELECT (SELECT length FROM derive_cursor), start, device, revision, CASE WHEN revision < 0 THEN 0 ELSE 1 END,
        CASE WHEN untrusted THEN 2 ELSE 0 END, last_reading, carries, carries_from, NULL, 0
      FROM derive_sealed WHERE EXISTS (SELECT 1 FROM derive_cursor)
      """)
    try database.execute("DROP TABLE derive_sealed")
  }

  /// To version 2: numberings of their own for destinations that want something else.
  private static func streams(_ database: Database) throws {
    for statement in toVersion2 { try database.execute(statement) }
  }

  static let tables = [
    "era", "journal", "numbering", "batch", "destination", "position", "ahead", "dead_letter", "stream",
    "subscription", "attempt", "budget", "request",
  ]

  private static let toVersion2 =
    [
      """
      CREATE TABLE outbox_era_2(
        id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, epoch TEXT NOT NULL, generation INTEGER NOT NULL,
        stream TEXT NOT NULL DEFAULT '', UNIQUE(gateway, epoch, generation, stream))
      """,
      "INSERT INTO outbox_era_2(id, gateway, epoch, generation) SELECT id, gateway, epoch, generation FROM outbox_era",
      "DROP TABLE outbox_era",
      "ALTER TABLE outbox_era_2 RENAME TO outbox_era",
      "ALTER TABLE outbox_destination ADD COLUMN stream TEXT NOT NULL DEFAULT ''",
      "ALTER TABLE outbox_dead_letter ADD COLUMN retrying INTEGER NOT NULL DEFAULT 0",
    ] + additions + [
      "INSERT INTO outbox_subscription(destination, stream) SELECT id, '' FROM outbox_destination"
    ]

  private static let additions = [
    "CREATE TABLE outbox_stream(name TEXT PRIMARY KEY, filter TEXT NOT NULL) WITHOUT ROWID",
    "INSERT INTO outbox_stream(name, filter) VALUES('', '')",
    """
    CREATE TABLE outbox_subscription(
      destination INTEGER NOT NULL, stream TEXT NOT NULL, PRIMARY KEY(destination, stream)) WITHOUT ROWID
    """,
    """
    CREATE TABLE outbox_attempt(
      destination INTEGER NOT NULL, era INTEGER NOT NULL, lane INTEGER NOT NULL,
      first INTEGER NOT NULL, last INTEGER NOT NULL,
      PRIMARY KEY(destination, era, lane, first)) WITHOUT ROWID
    """,
    "CREATE TABLE outbox_budget(destination INTEGER PRIMARY KEY, month INTEGER, spent INTEGER NOT NULL)",
    """
    CREATE TABLE outbox_request(
      id INTEGER PRIMARY KEY AUTOINCREMENT, destination INTEGER NOT NULL, name TEXT NOT NULL, device TEXT NOT NULL,
      since INTEGER NOT NULL, until INTEGER NOT NULL, segment INTEGER NOT NULL DEFAULT 0,
      done INTEGER NOT NULL DEFAULT 0, UNIQUE(destination, name))
    """,
  ]

  static let statements =
    [
      """
      CREATE TABLE outbox_era(
        id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, epoch TEXT NOT NULL, generation INTEGER NOT NULL,
        stream TEXT NOT NULL DEFAULT '', UNIQUE(gateway, epoch, generation, stream))
      """,
      "CREATE TABLE outbox_journal(epoch TEXT PRIMARY KEY, raw_before INTEGER) WITHOUT ROWID",
      """
      CREATE TABLE outbox_numbering(
        era INTEGER NOT NULL, stream TEXT NOT NULL, lane INTEGER NOT NULL, next INTEGER NOT NULL,
        PRIMARY KEY(era, stream, lane)) WITHOUT ROWID
      """,
      """
      CREATE TABLE outbox_batch(
        id INTEGER PRIMARY KEY AUTOINCREMENT, era INTEGER NOT NULL, stream TEXT NOT NULL DEFAULT '',
        lane INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, records INTEGER NOT NULL,
        reason TEXT, raw_from INTEGER, encoding TEXT NOT NULL, body BLOB NOT NULL)
      """,
      "CREATE UNIQUE INDEX outbox_batch_order ON outbox_batch(stream, era, lane, first, last, records)",
      """
      CREATE TABLE outbox_destination(
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, active INTEGER NOT NULL, stream TEXT NOT NULL DEFAULT '')
      """,
      """
      CREATE TABLE outbox_position(
        destination INTEGER NOT NULL, era INTEGER NOT NULL, lane INTEGER NOT NULL,
        delivered INTEGER NOT NULL, attempted INTEGER NOT NULL,
        PRIMARY KEY(destination, era, lane)) WITHOUT ROWID
      """,
      """
      CREATE TABLE outbox_ahead(
        destination INTEGER NOT NULL, era INTEGER NOT NULL, lane INTEGER NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL,
        PRIMARY KEY(destination, era, lane, first)) WITHOUT ROWID
      """,
      """
      CREATE TABLE outbox_dead_letter(
        id INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, era INTEGER NOT NULL, lane INTEGER NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, time INTEGER NOT NULL, reason TEXT NOT NULL, record BLOB NOT NULL,
        retrying INTEGER NOT NULL DEFAULT 0)
      """,
      "CREATE TABLE outbox_counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    ] + additions + ["PRAGMA application_id=\(applicationID)", "PRAGMA user_version=\(version)"]
}
