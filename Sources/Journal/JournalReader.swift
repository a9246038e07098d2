import SQLite
import Telemetry

/// Reads a journal while another connection, in this process or another, writes it. Any thread, one owner.
///
/// Every call reads in one short transaction: a reader that stayed in one would keep the log from being used again,
/// and it would grow without bound.
public final class JournalReader {
  public enum Item: Sendable {
    case segment(Segment)
    /// It is there, but can't be read. Its messages are lost; what follows is not.
    case damaged(id: Int64, reason: String)

    public var id: Int64 {
      switch self {
      case .segment(let segment): segment.id
      case .damaged(let id, _): id
      }
    }
  }

  public let path: String
  public let uuid: String

  /// Whether SQLite found a page damaged. A segment whose own bytes are wrong doesn't count: nothing but that segment
  /// is touched by it.
  public private(set) var metDamagedPage = false {
    didSet { if metDamagedPage, !oldValue { suspicion?.raise() } }
  }

  private let suspicion: Suspicion?
  private let database: Database
  private let decoder: SegmentDecoder
  private var patience = ReadPatience()
  private var lastNewestID: Int64 = 0
  private var lastOldestID: Int64 = 1

  /// - Parameter suspicion: raised where a page is damaged, this opening included; only for the process that owns the
  ///   store. Without it a start that fails by such a page would fail at the next one, too.
  public init(path: String, suspicion: Suspicion? = nil) throws(JournalError) {
    self.path = path
    self.suspicion = suspicion
    do {
      database = try Database(path: path, mode: .reader)
      let mark = try database.integer("PRAGMA application_id")
      let version = try database.integer("PRAGMA user_version")
      guard mark == JournalSchema.applicationID, let uuid = try JournalSchema.uuid(in: database) else {
        throw JournalError(
          kind: .damaged, operation: "reading", path: path, reason: "it is no journal, or not made yet")
      }
      guard version <= JournalSchema.version else {
        throw JournalError(
          kind: .newerSchema, operation: "reading", path: path,
          reason: "its schema is version \(version), this program knows \(JournalSchema.version)")
      }
      self.uuid = uuid
      decoder = try SegmentDecoder()
    } catch {
      let refused = JournalError(error, operation: "reading", path: path)
      if refused.kind == .damaged { suspicion?.raise() }
      throw refused
    }
  }

  /// Of the process that owns the store.
  public static func owner(path: String) throws(JournalError) -> JournalReader {
    try JournalReader(path: path, suspicion: Suspicion(journal: path))
  }

  /// The newest segment's id, fresh from the file; where there is none, the highest that may have been given. The last
  /// known one where the file can't be read.
  public var newestID: Int64 {
    if let fresh = try? JournalSchema.newestID(in: database) { lastNewestID = fresh }
    return lastNewestID
  }

  /// The oldest segment's id, fresh from the file, `newestID + 1` where there is none; the last known one where it
  /// can't be read.
  public var oldestID: Int64 {
    if let fresh = try? JournalSchema.oldestID(in: database) { lastOldestID = fresh }
    return lastOldestID
  }

  /// The next segments after `id`, in order: at most `limit`, and no more once they hold `maxBytes` decompressed, but
  /// at least one. Ids may be missing in between. Empty where there are none yet.
  ///
  /// A segment that is damaged stands in its place as such. Throws where the file can't be read at all.
  public func segments(
    after id: Int64, through last: Int64 = .max, limit: Int = 64, maxBytes: Int = 2 << 20
  ) throws(JournalError) -> [Item] {
    do {
      return try database.snapshot {
        var items: [Item] = []
        var bytes = 0
        var cursor = id
        while items.count < limit, bytes < maxBytes,
          let item = try next(after: &cursor, through: last, bytes: &bytes)
        {
          items.append(item)
        }
        return items
      }
    } catch {
      if let error = error as? DatabaseError, error.kind == .corrupt { metDamagedPage = true }
      throw JournalError(error, operation: "reading", path: path)
    }
  }

  private func next(after cursor: inout Int64, through last: Int64, bytes: inout Int) throws -> Item? {
    // The id by itself first: it is known then even where the row's other pages are damaged.
    let row = try database.statement("SELECT id FROM segment WHERE id > ? AND id <= ? ORDER BY id LIMIT 1")
    defer { row.reset() }
    guard try row.bind(1, max(cursor, 0)).bind(2, last).step() else {
      try lookBack(fromEnd: last, to: cursor)
      return nil
    }
    let id = row.integer(0)
    if id != cursor + 1 { try lookBack(from: id, to: cursor) }
    do {
      let segment = try read(id)
      patience.given(id)
      cursor = id
      bytes += segment.byteCount
      return .segment(segment)
    } catch let damage as SegmentDamage {
      cursor = id
      return .damaged(id: id, reason: damage.reason)
    } catch let error as DatabaseError where error.kind == .corrupt {
      metDamagedPage = true
      cursor = id
      return .damaged(id: id, reason: error.message)
    } catch let error as DatabaseError where error.kind == .io {
      guard patience.refused(id, at: .now), isNeighbourGiven(id) else { throw error }
      cursor = id
      return .damaged(id: id, reason: "the disk refuses to give it: \(error.message)")
    }
  }

  /// Whether the disk gives other segments than this one.
  private func isNeighbourGiven(_ id: Int64) -> Bool {
    for order in ["id > ? ORDER BY id", "id < ? ORDER BY id DESC"] {
      guard let row = try? database.statement("SELECT id FROM segment WHERE \(order) LIMIT 1").bind(1, id) else {
        continue
      }
      let neighbour = (try? row.step()) == true ? row.integer(0) : nil
      row.reset()
      if let neighbour, (try? read(neighbour)) != nil { return true }
    }
    return false
  }

  /// Ids may be missing; but a damaged page may also lead past some: they are there seen from behind, or their messages
  /// are missing in the count, or it leads back to where the search began.
  private func lookBack(from id: Int64, to cursor: Int64) throws {
    let position = max(cursor, 0)
    guard id > position else { throw misled("from segment \(position) back to segment \(id)") }
    let row = try database.statement("SELECT id, number + count FROM segment WHERE id < ? ORDER BY id DESC LIMIT 1")
    defer { row.reset() }
    guard try row.bind(1, id).step() else { return }
    let (previous, number) = (row.integer(0), row.integer(1))
    if previous > position { throw misled("from segment \(position) to segment \(id), and segments lie between") }
    guard let numbered = try self.row("SELECT id, number FROM segment WHERE id = ? AND id <= ?", id, id),
      numbered.value > number
    else { return }
    throw misled("from segment \(previous) to segment \(id), and \(numbered.value &- number) messages lie between")
  }

  /// Where there is no further segment: from behind there must be none either.
  private func lookBack(fromEnd last: Int64, to cursor: Int64) throws {
    let row = try database.statement("SELECT id FROM segment WHERE id <= ? ORDER BY id DESC LIMIT 1")
    defer { row.reset() }
    guard try row.bind(1, last).step(), row.integer(0) > max(cursor, 0) else { return }
    throw misled("from segment \(max(cursor, 0)) past segment \(row.integer(0))")
  }

  private func misled(_ way: String) -> JournalError {
    metDamagedPage = true
    return JournalError(kind: .damaged, operation: "reading", path: path, reason: "a page leads \(way)")
  }

  private func read(_ id: Int64) throws -> Segment {
    let row = try database.statement("SELECT wall, synchronised, count, content FROM segment WHERE id = ?")
    defer { row.reset() }
    guard try row.bind(1, id).step() else { throw SegmentDamage("its row can't be found") }
    let segment: Segment
    do {
      segment = try row.withBlob(3) { try decoder.decode($0) }
    } catch {
      guard database.lackedMemory else { throw error }
      throw JournalError(kind: .other, operation: "reading", path: path, reason: "there is no memory for it")
    }
    guard segment.journal == uuid else { throw SegmentDamage("it belongs to journal \(segment.journal)") }
    guard segment.id == id, segment.clock.wall.nanoseconds == row.integer(0),
      segment.clock.synchronised == (row.integer(1) != 0), Int64(segment.count) == row.integer(2)
    else { throw SegmentDamage("its row and its content disagree") }
    return segment
  }

  /// Whether there were ever messages before this segment, deleted or not; false where it can't be read.
  public func hadMessages(before id: Int64) -> Bool {
    guard let found = try? row("SELECT id, number FROM segment WHERE id = ? AND id <= ?", id, id) else { return false }
    return found.value > 0
  }

  /// The id of the first segment whose wall clock is at or after `time`; `newestID + 1` where there is none.
  ///
  /// Every segment with a lower id was committed before `time` by the clock of its own moment. Later ones may have
  /// been as well, since the wall clock can be set back: a reader of a range of times starts here and looks at each.
  /// Messages stand in the segment of their commit, which comes after their receipt.
  public func firstID(receivedAtOrAfter time: Timestamp) throws(JournalError) -> Int64 {
    do {
      return try database.snapshot { try firstID(wall: time.nanoseconds) }
    } catch {
      throw JournalError(error, operation: "searching", path: path)
    }
  }

  /// The id of the segment with which the journal's last `count` messages begin, or of its oldest; `newestID + 1` where
  /// there is none. Found by halving: however long the journal is, a few dozen rows are read.
  public func firstID(ofLast count: Int) throws(JournalError) -> Int64 {
    do {
      return try database.snapshot {
        let numbered = "SELECT id, number FROM segment WHERE id >= ? AND id <= ? ORDER BY id LIMIT 1"
        let newest = try JournalSchema.newestID(in: database)
        let oldest = try JournalSchema.oldestID(in: database)
        guard let last = try row(numbered, newest, newest), let first = try row(numbered, oldest, newest) else {
          return newest &+ 1
        }
        // The newest one's own messages are not counted: one segment too many does no harm.
        let wanted = last.value &- Int64(count)
        var low = first.id
        var high = newest
        // The last segment whose number is not above what is wanted, for it holds the message.
        while low < high {
          let middle = high - (high - low) / 2
          if let found = try row(numbered, middle, high), found.value <= wanted {
            low = found.id
          } else {
            high = middle - 1
          }
        }
        return low
      }
    } catch {
      throw JournalError(error, operation: "searching", path: path)
    }
  }

  private func firstID(wall: Int64) throws -> Int64 {
    var start: Int64 = 1
    while true {
      let step = try database.statement("SELECT id FROM step WHERE id > ? ORDER BY id LIMIT 1")
      defer { step.reset() }
      let end = try step.bind(1, start).step() ? step.integer(0) : Int64.max
      let lastRow = "SELECT id, wall FROM segment WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1"
      if let last = try row(lastRow, start, end), last.value >= wall {
        return try firstID(wall: wall, from: start, through: last.id)
      }
      guard end < Int64.max else { return try JournalSchema.newestID(in: database) &+ 1 }
      start = end
    }
  }

  /// Halves a stretch in which the wall clock only goes forward, and whose last segment is late enough.
  private func firstID(wall: Int64, from start: Int64, through end: Int64) throws -> Int64 {
    let firstRow = "SELECT id, wall FROM segment WHERE id >= ? AND id <= ? ORDER BY id LIMIT 1"
    var low = start
    var high = end
    while low < high {
      let middle = low + (high - low) / 2
      let found = try row(firstRow, middle, high)
      if let found, found.value < wall {
        low = found.id < high ? found.id + 1 : high
      } else {
        // Ids may be missing: nothing between `middle` and `high` is as good as what `high` stands for.
        high = middle
      }
    }
    return try row(firstRow, low, end)?.id ?? end
  }

  private func row(_ sql: String, _ first: Int64, _ second: Int64) throws -> (id: Int64, value: Int64)? {
    let row = try database.statement(sql)
    defer { row.reset() }
    guard try row.bind(1, first).bind(2, second).step() else { return nil }
    return (row.integer(0), row.integer(1))
  }
}
