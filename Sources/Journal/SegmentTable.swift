import SQLite
import Telemetry

/// The statements that write segments, and what they need to know of the rows that are there.
struct SegmentTable {
  private let database: Database
  private(set) var newestID: Int64
  private(set) var oldestID: Int64
  /// Ids up to here are not given any more, though no segment may bear them.
  private var floor: Int64
  /// Messages ever numbered, and the number at which the oldest segment starts.
  private var nextNumber: Int64
  private var oldestNumber: Int64
  private var newestWall: Int64?

  var nextID: Int64 { max(newestID, floor) + 1 }

  var messageCount: Int64 { max(0, nextNumber &- oldestNumber) }

  init(_ database: Database) throws {
    self.database = database
    newestID = try JournalSchema.newestID(in: database)
    oldestID = newestID + 1
    floor = try JournalSchema.floor(in: database)
    nextNumber = 0
    let newest = try database.statement("SELECT number + count, wall FROM segment ORDER BY id DESC LIMIT 1")
    defer { newest.reset() }
    if try newest.step() {
      nextNumber = newest.integer(0)
      newestWall = newest.integer(1)
    }
    oldestNumber = nextNumber
    try readOldest()
  }

  private mutating func readOldest() throws {
    let oldest = try database.statement("SELECT id, number FROM segment WHERE id > 0 ORDER BY id LIMIT 1")
    defer { oldest.reset() }
    if try oldest.step() {
      oldestID = oldest.integer(0)
      oldestNumber = oldest.integer(1)
    } else {
      oldestID = newestID + 1
      oldestNumber = nextNumber
    }
  }

  mutating func raiseFloor(to floor: Int64) throws {
    guard floor >= nextID else { return }
    try JournalSchema.setFloor(floor, in: database)
    self.floor = floor
    if oldestID > newestID {
      newestID = floor
      oldestID = floor + 1
    }
  }

  mutating func insert(id: Int64, clock: ClockReading, count: Int, frame: UnsafeRawBufferPointer) throws {
    let wall = clock.wall.nanoseconds
    try database.statement("INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?)")
      .bind(1, id).bind(2, nextNumber).bind(3, wall).bind(4, clock.synchronised ? 1 : 0).bind(5, count)
      .run(blob: 6, frame)
    if let newestWall, wall < newestWall {
      try database.statement("INSERT INTO step VALUES (?)").bind(1, id).run()
    }
    if oldestID > newestID { oldestID = id }
    newestID = id
    newestWall = wall
    nextNumber &+= Int64(count)
  }

  /// Deletes from the oldest on, and stops at the first segment that must stay.
  /// - Returns: How many segments went.
  mutating func trim(_ rule: TrimRule) throws -> Int {
    guard rule.limit > 0 else { return 0 }
    let oldest = try database.statement(
      "SELECT id, wall, synchronised FROM segment WHERE id > 0 AND id < ? ORDER BY id LIMIT ?")
    oldest.bind(1, min(rule.before, newestID)).bind(2, rule.limit)
    var walk = TrimWalk(rule)
    while try oldest.step() {
      let segment = TrimWalk.Segment(
        id: oldest.integer(0), wall: Timestamp(nanoseconds: oldest.integer(1)), synchronised: oldest.integer(2) != 0)
      if walk.take(segment) == .stop { break }
    }
    oldest.reset()
    if walk.waiting > 0, let wall = try nextSynchronisedWall(after: walk.lastSeen) {
      walk.settle(nextSynchronisedWall: wall)
    }
    guard let last = walk.last else { return 0 }
    try database.statement("DELETE FROM segment WHERE id <= ?").bind(1, last).run()
    try database.statement("DELETE FROM step WHERE id <= ?").bind(1, last).run()
    try JournalSchema.setTrimmedID(last, in: database)
    try readOldest()
    return walk.count
  }

  /// Looks a bounded way ahead: where the clock stays unsynchronised for longer, what lies before goes by quota only.
  private func nextSynchronisedWall(after id: Int64) throws -> Timestamp? {
    let next = try database.statement(
      """
      SELECT wall FROM (SELECT wall, synchronised FROM segment WHERE id > ? ORDER BY id LIMIT 10000)
      WHERE synchronised LIMIT 1
      """)
    defer { next.reset() }
    return try next.bind(1, id).step() ? Timestamp(nanoseconds: next.integer(0)) : nil
  }
}
