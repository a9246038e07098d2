import Journal
import Outbox
import SQLite
import Telemetry

/// A store that the program of an earlier schema left, from `Fixtures/schema`: its first start migrates it.
struct EarlierStore: Sendable {
  let files: [(name: String, bytes: [UInt8])]
  /// Whose it was: under another name its records would not be ours to go on with.
  let gateway: String
  /// The last number that each of its numberings has delivered, by `seq` 0.
  let delivered: [Receiver.Key: Int64]
  /// The journal's newest segment.
  let journalEnd: Int64
  let schema: StoreSchema
  /// The script goes on after what it has derived.
  let end: Timestamp

  private struct Kind {
    /// Below `Fixtures/schema`.
    var folder: String
    /// An outbox alone is met by a new journal.
    var hasJournal = false
    var gateway = "faults"
    var end = Timestamp(nanoseconds: .min)
  }

  private static let kinds = [
    box("v1/box"), box("v4/box"), Kind(folder: "v1"), Kind(folder: "v2"), Kind(folder: "v3"), Kind(folder: "v4"),
  ]

  private static func box(_ folder: String) -> Kind {
    Kind(folder: folder, hasJournal: true, gateway: "bench", end: Timestamp(milliseconds: 1_795_349_310_000))
  }

  /// As every schema numbers them.
  private static let lanes: [Int: Lane] = [0: .alarm, 1: .summary, 2: .status, 3: .backfill]

  /// Which of the seeds begin with which; the others begin with nothing at all.
  private static let bySeed: [Int?] = [nil, 0, 1, nil, 2, 3, nil, 4, 5]

  /// - Parameters:
  ///   - folder: with the schemas' files.
  ///   - scratch: copies lie there meanwhile; it is cleared.
  static func of(seed: UInt64, _ folder: String, _ scratch: Folder) throws -> EarlierStore? {
    guard let number = bySeed[Int(seed % UInt64(bySeed.count))] else { return nil }
    return try EarlierStore(kinds[number], folder, scratch)
  }

  private init(_ kind: Kind, _ folder: String, _ scratch: Folder) throws {
    files = try (["outbox.db"] + (kind.hasJournal ? ["journal.db"] : [])).map { name in
      let path = "\(folder)/\(kind.folder)/\(name)"
      guard let bytes = Folder.contents(of: path) else { throw Folder.Refusal(description: "\(path) is not there") }
      return (name, bytes)
    }
    (gateway, end) = (kind.gateway, kind.end)
    scratch.clear()
    for (name, bytes) in files { try scratch.write(name, bytes) }
    schema = try StoreSchema(scratch.path)
    journalEnd = kind.hasJournal ? try JournalReader(path: scratch.path + "/journal.db").newestID : 0
    let outbox = try Database(path: scratch.path + "/outbox.db", mode: .reader)
    let row = try outbox.statement(
      "SELECT e.epoch, e.generation, p.lane, p.delivered FROM outbox_position p JOIN outbox_era e ON e.id = p.era")
    var delivered: [Receiver.Key: Int64] = [:]
    while try row.step() {
      guard let lane = EarlierStore.lanes[Int(row.integer(2))] else { continue }
      let key = Receiver.Key(epoch: row.text(0), generation: Int(row.integer(1)), lane: lane, seq: 0)
      delivered[key] = row.integer(3)
    }
    row.reset()
    self.delivered = delivered
  }
}
