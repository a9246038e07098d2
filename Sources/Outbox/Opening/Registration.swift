import SQLite
import Telemetry

/// Makes the configured destinations true in the database: who there is, and which numberings each gets.
///
/// - Destinations that want the same share a numbering (a stream), from the same start on.
/// - The first destinations of a gateway get all that is kept.
/// - One that is added later begins with what is sealed from then on, in a numbering of its own that counts from 1; or,
///   where it wants the oldest, with what others still wait for.
/// - One whose filter was changed gets what is left under the old one, and what is sealed from now on under the new.
struct Registration {
  let options: Outbox.Options
  let current: Era
  let database: Database

  struct Outcome {
    var eras: [Era] = []
    var targets: [Store.Target] = []
    var destinations: [Store.ActiveDestination] = []
    /// Ids of those that weren't configured before.
    var newcomers: [Int64] = []
    /// Numberings that are new, and to hold what others still wait for.
    var toBeFilled: [Store.Target] = []
  }

  private struct Row {
    let id: Int64
    let isActive: Bool
    let stream: String
  }

  func run() throws -> Outcome {
    var outcome = Outcome()
    let rows = try rows()
    let filters = try filters()
    let isUnchanged =
      Set(rows.filter(\.value.isActive).keys) == Set(options.destinations.map(\.name))
      && options.destinations.allSatisfy { filters[rows[$0.name]?.stream ?? ""] == $0.filter.canonical }
    // A start on a full disk must not fail for what is written already.
    var filled: Set<String> = []
    if !isUnchanged {
      try database.transaction { filled = try register(rows, filters, &outcome.newcomers) }
    }
    let streams = try self.rows()
    // Not only with a change: an outbox that was made anew has new eras.
    let wanted = Set(options.destinations.compactMap { streams[$0.name]?.stream })
    var known = try Opening.eras(in: database)
    let missing = wanted.filter { stream in !known.contains { isPresent($0) && $0.stream == stream } }
    if !missing.isEmpty {
      try database.transaction { for stream in missing.sorted() { _ = try Opening.add(present(stream), to: database) } }
      known = try Opening.eras(in: database)
    }
    // The present ones last: the others have only what was sealed before.
    outcome.eras = known.filter { !isPresent($0) } + known.filter(isPresent)
    outcome.targets = try targets(wanted, outcome.eras)
    outcome.toBeFilled = outcome.targets.filter { filled.contains($0.era.stream) }
    outcome.destinations = try destinations(streams, outcome.eras)
    return outcome
  }

  private func isPresent(_ era: Era) -> Bool {
    era.gateway == current.gateway && era.epoch == current.epoch && era.generation == current.generation
  }

  private func present(_ stream: String) -> Era {
    Era(id: 0, gateway: current.gateway, epoch: current.epoch, generation: current.generation, stream: stream)
  }

  /// Returns the streams that are to be filled with what is kept.
  private func register(
    _ rows: [String: Row], _ filters: [String: String], _ newcomers: inout [Int64]
  ) throws -> Set<String> {
    var filters = filters
    var made: [String] = []
    var filled: Set<String> = []
    let areFirst = rows.isEmpty
    try database.execute("UPDATE outbox_destination SET active=0 WHERE active=1")
    for destination in options.destinations {
      let wish = destination.filter.canonical
      let row = rows[destination.name]
      if let row, filters[row.stream] == wish {
        try activate(destination.name, row.stream)
        if !row.isActive { newcomers.append(row.id) }
        continue
      }
      let getsOldest = row == nil && (areFirst || destination.start == .oldest)
      let shared =
        getsOldest
        ? filters.filter { $0.value == wish && (!made.contains($0.key) || filled.contains($0.key)) }.keys.min()
        : made.first { filters[$0] == wish && !filled.contains($0) }
      let stream = shared ?? name(for: destination.name, filters)
      if shared == nil {
        filters[stream] = wish
        made.append(stream)
        try database.statement("INSERT INTO outbox_stream(name, filter) VALUES(?1, ?2)").bind(1, stream).bind(2, wish)
          .run()
        if getsOldest { filled.insert(stream) }
      }
      let id = try activate(destination.name, stream)
      if getsOldest { newcomers.append(id) }
    }
    return filled
  }

  @discardableResult
  private func activate(_ name: String, _ stream: String) throws -> Int64 {
    try database.statement(
      """
      INSERT INTO outbox_destination(name, active, stream) VALUES(?1, 1, ?2)
      ON CONFLICT(name) DO UPDATE SET active=1, stream=excluded.stream
      """
    ).bind(1, name).bind(2, stream).run()
    let statement = try database.statement("SELECT id FROM outbox_destination WHERE name=?1")
    defer { statement.reset() }
    _ = try statement.bind(1, name).step()
    let id = statement.integer(0)
    try database.statement("INSERT OR IGNORE INTO outbox_subscription(destination, stream) VALUES(?1, ?2)")
      .bind(1, id).bind(2, stream).run()
    return id
  }

  /// As the destination is named, with a number where there was a stream of that name before.
  private func name(for destination: String, _ filters: [String: String]) -> String {
    guard filters[destination] != nil else { return destination }
    var number = 2
    while filters["\(destination)-\(number)"] != nil { number += 1 }
    return "\(destination)-\(number)"
  }

  private func rows() throws -> [String: Row] {
    let statement = try database.statement("SELECT name, id, active, stream FROM outbox_destination")
    defer { statement.reset() }
    var rows: [String: Row] = [:]
    while try statement.step() {
      rows[statement.text(0)] = Row(
        id: statement.integer(1), isActive: statement.integer(2) != 0, stream: statement.text(3))
    }
    return rows
  }

  private func filters() throws -> [String: String] {
    let statement = try database.statement("SELECT name, filter FROM outbox_stream")
    defer { statement.reset() }
    var filters: [String: String] = [:]
    while try statement.step() { filters[statement.text(0)] = statement.text(1) }
    return filters
  }

  private func targets(_ wanted: Set<String>, _ eras: [Era]) throws -> [Store.Target] {
    // Without any destination everything is kept for the first.
    if options.destinations.isEmpty { return [Store.Target(era: current, filter: .all)] }
    let filters = try filters()
    return eras.filter { isPresent($0) && wanted.contains($0.stream) }.compactMap { era in
      options.destinations.first { $0.filter.canonical == filters[era.stream] }
        .map { Store.Target(era: era, filter: $0.filter) }
    }
  }

  private func destinations(_ rows: [String: Row], _ eras: [Era]) throws -> [Store.ActiveDestination] {
    let allOptional = options.destinations.allSatisfy(\.optional)
    return try options.destinations.compactMap { destination in
      guard let row = rows[destination.name] else { return nil }
      let statement = try database.statement("SELECT stream FROM outbox_subscription WHERE destination=?1")
      defer { statement.reset() }
      statement.bind(1, row.id)
      var streams: Set<String> = []
      while try statement.step() { streams.insert(statement.text(0)) }
      let mine = eras.filter { streams.contains($0.stream) }
      // The present numbering last.
      let last = mine.filter { isPresent($0) && $0.stream == row.stream }
      return Store.ActiveDestination(
        id: row.id, name: destination.name, isRequired: allOptional || !destination.optional,
        eras: mine.filter { !last.contains($0) } + last)
    }
  }
}
