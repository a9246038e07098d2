import Glibc
import SQLite
import Telemetry

/// Opens outbox.db whatever state it is in: makes it, takes it as it is, or sets it aside and makes it anew.
struct Opening {
  let options: Outbox.Options
  var report = OpenReport()

  private let generationFile: GenerationFile
  private let suspicion: Suspicion
  private let pendingSalvage: PendingSalvage

  /// Why the file that lies there can't be used.
  private struct Damage: Error {
    /// A word or two for the file's name.
    let slug: String
    let message: String
  }

  init(options: Outbox.Options) {
    self.options = options
    generationFile = GenerationFile(besides: options.path)
    suspicion = Suspicion(besides: options.path)
    pendingSalvage = PendingSalvage(besides: options.path)
  }

  mutating func open() throws(OutboxError) -> Store {
    do {
      let (database, salvage) = try obtain()
      do {
        return try begin(database, salvage)
      } catch let error as DatabaseError where error.kind == .full && salvage != nil {
        // The file that was set aside takes the room itself. What comes in goes first: the next start tries again.
        let later = "there is no room to copy what can be read of it, the next start tries again"
        report.reason = [report.reason, later].compactMap(\.self).joined(separator: "; ")
        return try begin(database, nil)
      }
    } catch let error as OutboxError {
      throw error
    } catch let error as DatabaseError {
      // Met only after the file was looked at: not to be taken for the file's damage without a second look.
      if error.kind == .corrupt { suspicion.raise() }
      throw OutboxError(error)
    } catch {
      throw OutboxError(.database, operation: "opening", path: options.path, message: "\(error)")
    }
  }

  /// The database with its schema, and what was set aside to make room for it.
  private mutating func obtain() throws -> (Database, setAside: String?) {
    let known = generationFile.read(options.epoch)
    do {
      if (SmallFile.size(options.path) ?? 0) == 0 {
        try lookAtLogAlone()
        let pending = takeUpSalvage()
        if known != nil, pending == nil { report.reason = "outbox.db was gone" }
        // The log of a database that is no more would be a riddle to the next one.
        unlink(options.path + "-wal")
        return (try make(generation: known.map { $0 + 1 } ?? 0), pending)
      }
      let database = try take(known)
      return (database, takeUpSalvage())
    } catch let damage as Damage {
      let aside = SetAside.freeName(options.path, damage.slug)
      try pendingSalvage.begin(aside, reason: damage.message)
      try SetAside.move(options.path, to: aside)
      report.setAside = aside
      report.reason = damage.message
      suspicion.forget()
      let lost = known ?? (try? Salvage(path: aside).generation(of: options.epoch)) ?? 0
      return (try make(generation: lost + 1), aside)
    }
  }

  /// What an earlier start has set aside without coming to the end of it.
  private mutating func takeUpSalvage() -> String? {
    guard let (file, reason) = pendingSalvage.waiting else {
      pendingSalvage.end()
      return nil
    }
    report.setAside = file
    report.reason = reason
    return file
  }

  /// A log whose database is empty or gone holds what was committed last. SQLite would delete it; beside a page of zeros
  /// it reads the pages that are in it.
  private func lookAtLogAlone() throws {
    guard LogDamage.holdsCommits(options.path + "-wal") else { return }
    let database = Glibc.open(options.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
    guard database >= 0 else { throw SmallFile.fault("making", options.path) }
    defer { close(database) }
    guard ftruncate(database, 4096) == 0 else { throw SmallFile.fault("enlarging", options.path) }
    throw Damage(slug: "missing", message: "its log is there, but the file itself is empty or gone")
  }

  /// The file as it lies there, where it is sound.
  private mutating func take(_ known: Int?) throws -> Database {
    do {
      switch LogDamage.look(at: options.path) {
      case .nothing: break
      case .isInDatabase:
        report.setAside = try SetAside.moveLog(options.path)
        report.reason = "its log is damaged before its end; all that it held is in the database"
      case .undoesCommits: throw Damage(slug: "log", message: "its log is damaged before its end")
      }
      // Read-only first: what a newer version wrote is to stay untouched.
      // A rollback journal is only there where a first start was cut short before the file had a log: SQLite rolls it
      // back, which no reader may.
      let isCutShort = (SmallFile.size(options.path + "-journal") ?? 0) > 0
      let glance = try isCutShort ? connect() : Database(path: options.path, mode: .reader)
      let version = try glance.integer("PRAGMA user_version")
      let isOutbox = try glance.integer("SELECT count(*) FROM sqlite_schema WHERE name='outbox_era'") == 1
      guard version == 0 || isOutbox else {
        throw Damage(slug: "foreign", message: "it is a database, but no outbox")
      }
      guard version <= Schema.version else {
        throw OutboxError(
          .newerSchema, operation: "opening", path: options.path,
          message: "it was written by a newer version (schema \(version), this one knows \(Schema.version))",
          hint: "install that version again; nothing was changed")
      }
      let hasChecksums = try !isCutShort && bearsChecksums(glance)
      let database = try connect()
      if version == 0 {
        guard try database.integer("SELECT count(*) FROM sqlite_schema") == 0 else {
          throw Damage(slug: "foreign", message: "it is a database, but no outbox")
        }
        // The power went before the first commit: nothing was ever sent under it.
        try makeSchema(in: database, generation: known ?? 0)
        return database
      }
      if !hasChecksums { try addChecksums(to: database) }
      try Schema.chain.bring(database)
      try look(at: database)
      // After an orderly stop it is empty.
      if (SmallFile.size(options.path + "-wal") ?? 0) > 0 { try database.settle() }
      let statement = try database.statement("SELECT max(generation) FROM outbox_era WHERE epoch=?1")
      defer { statement.reset() }
      let used = try statement.bind(1, options.epoch).step() && !statement.isNull(0) ? Int(statement.integer(0)) : nil
      if let known, (used ?? -1) < known {
        throw Damage(
          slug: "stale", message: "it is older than the generation \(known) noted beside it: restored from a copy?")
      }
      // Under a journal that is new to this file: who numbers stands in it before the generation stands beside it, or a
      // power cut between the two would make it look older than that.
      if used == nil { try database.transaction { try addEra(to: database, generation: 0) } }
      try generationFile.write(options.epoch, used ?? 0)
      return database
    } catch let error as DatabaseError where error.kind == .corrupt {
      throw Damage(slug: error.code & 0xff == 26 ? "no-database" : "malformed", message: error.description)
    }
  }

  private func connect() throws(DatabaseError) -> Database {
    try Database(
      path: options.path, mode: .writer, synchronous: options.synchronous, checkpointPages: options.checkpointPages,
      checksPages: true)
  }

  /// Whether the file's pages bear checksums, as its mark says that they do since version 4.
  private func bearsChecksums(_ database: Database) throws -> Bool {
    guard try database.integer("PRAGMA application_id") == Schema.applicationID else { return false }
    guard try database.bearsPageChecksums() else {
      throw Damage(slug: "header", message: "its pages bear no checksums, though they were made with them")
    }
    return true
  }

  /// Writes a file of an earlier version anew, with checksums. Where there is no room for that it goes on without, and
  /// the next start tries again.
  private func addChecksums(to database: Database) throws(DatabaseError) {
    do {
      try database.execute("VACUUM")
      // The mark is believed at each start from now on: what it says must be so.
      guard try Database(path: options.path, mode: .reader).bearsPageChecksums() else { return }
      try database.execute("PRAGMA application_id=\(Schema.applicationID)")
    } catch  where error.kind == .full {
    }
  }

  /// Up to this size the whole file is looked through: half a second on slow flash.
  private static let wholeBytes = 16 << 20

  /// A glance at every table, and a thorough look where the file is small or suspected. Not always, for that reads the
  /// whole file; a damaged page that is met later raises the suspicion.
  private func look(at database: Database) throws {
    for table in Schema.tables {
      _ = try database.integer("SELECT 1 FROM outbox_\(table) LIMIT 1")
    }
    switch suspicion.level {
    case nil, .cleared:
      guard (SmallFile.size(options.path) ?? 0) <= Opening.wholeBytes else { return }
      let verdict = try database.text("PRAGMA quick_check(1)") ?? ""
      guard verdict == "ok" else { throw Damage(slug: "malformed", message: verdict) }
    case .condemned: throw Damage(slug: "malformed", message: "damaged pages were met more than once")
    case .suspected:
      let verdict = try database.text("PRAGMA quick_check(1)") ?? ""
      guard verdict == "ok" else { throw Damage(slug: "malformed", message: verdict) }
      suspicion.clear()
    }
  }

  private mutating func make(generation: Int) throws -> Database {
    report.isNew = true
    // Before the database: numbers given out under a generation that nobody wrote down could be given out again.
    try generationFile.write(options.epoch, generation)
    let database = try connect()
    try makeSchema(in: database, generation: generation)
    try SmallFile.syncFolder(of: options.path)
    return database
  }

  private func makeSchema(in database: Database, generation: Int) throws {
    // After an outage the file must be able to give its pages back. On a file that has a log already, only VACUUM
    // makes the choice take effect; the file is still empty.
    try database.execute("PRAGMA auto_vacuum=INCREMENTAL")
    try database.execute("VACUUM")
    try database.transaction {
      for statement in Schema.statements { try database.execute(statement) }
      try addEra(to: database, generation: generation)
    }
  }

  private func addEra(to database: Database, generation: Int) throws {
    let era = Era(id: 0, gateway: options.gateway, epoch: options.epoch, generation: generation)
    _ = try Opening.add(era, to: database)
  }

  /// Notes who numbers, where it isn't known; returns its id in this file.
  static func add(_ era: Era, to database: Database) throws -> Int64 {
    try database.statement(
      "INSERT OR IGNORE INTO outbox_era(gateway, epoch, generation, stream) VALUES(?1, ?2, ?3, ?4)"
    )
    .bind(1, era.gateway).bind(2, era.epoch).bind(3, era.generation).bind(4, era.stream).run()
    let statement = try database.statement(
      "SELECT id FROM outbox_era WHERE gateway=?1 AND epoch=?2 AND generation=?3 AND stream=?4")
    defer { statement.reset() }
    _ = try statement.bind(1, era.gateway).bind(2, era.epoch).bind(3, era.generation).bind(4, era.stream).step()
    return statement.integer(0)
  }

  /// Makes the options true in the database.
  private mutating func begin(_ database: Database, _ setAside: String?) throws -> Store {
    let options = options
    var salvaged = 0
    let current = try database.transaction {
      for statement in options.extraSchema { try database.execute(statement) }
      let used = try database.statement("SELECT max(generation) FROM outbox_era WHERE epoch=?1")
      let generation = try used.bind(1, options.epoch).step() ? Int(used.integer(0)) : 0
      used.reset()
      try addEra(to: database, generation: generation)
      try database.statement("INSERT OR IGNORE INTO outbox_journal(epoch, raw_before) VALUES(?1, NULL)")
        .bind(1, options.epoch).run()
      if let setAside { salvaged = try Salvage(path: setAside).copy(to: database) }
      let eras = try Opening.eras(in: database)
      let current = eras.first {
        $0.gateway == options.gateway && $0.epoch == options.epoch && $0.generation == generation && $0.stream.isEmpty
      }
      guard let current else {
        throw OutboxError(.database, operation: "reading", path: options.path, message: "the era just made is gone")
      }
      return current
    }
    if setAside != nil { pendingSalvage.end() }
    report.salvagedBatches = salvaged
    database.keepLogRoom(options.logRoom)
    return try Opening.store(options, current, database, suspicion, isSalvaged: salvaged > 0)
  }

  /// What lies behind the lock, for these destinations.
  static func store(
    _ options: Outbox.Options, _ current: Era, _ database: Database, _ suspicion: Suspicion, isSalvaged: Bool
  ) throws -> Store {
    let registration = Registration(options: options, current: current, database: database)
    let outcome = try registration.run()
    let usesZstd = !options.destinations.isEmpty && options.destinations.allSatisfy { $0.compression == .zstd }
    let store = Store(
      database: database, era: current, targets: outcome.targets, eras: outcome.eras,
      destinations: outcome.destinations, packer: Packer(encoding: usesZstd ? .zstd : .gzip), suspicion: suspicion)
    if !outcome.newcomers.isEmpty || isSalvaged {
      try database.transaction {
        if isSalvaged { try store.accountForDamage() }
        for newcomer in outcome.newcomers { try store.accountForStart(newcomer) }
      }
    }
    for target in outcome.toBeFilled { try store.fill(target) }
    return store
  }

  static func eras(in database: Database) throws -> [Era] {
    // A damaged file may be one of the first version, where there was one stream.
    let streams = try database.integer("SELECT count(*) FROM pragma_table_info('outbox_era') WHERE name='stream'")
    let statement = try database.statement(
      "SELECT id, gateway, epoch, generation, \(streams > 0 ? "stream" : "''") FROM outbox_era ORDER BY id")
    defer { statement.reset() }
    var eras: [Era] = []
    while try statement.step() {
      eras.append(
        Era(
          id: statement.integer(0), gateway: statement.text(1), epoch: statement.text(2),
          generation: Int(statement.integer(3)), stream: statement.text(4)))
    }
    return eras
  }
}
