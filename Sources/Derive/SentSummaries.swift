import Outbox
import SQLite
import Telemetry
import Windows

/// What the daemon wrote down last of each window that it still knows, read beside it.
public struct SentSummaries {
  public struct Window: Sendable {
    public var revision: Int
    /// Of the record that was sent; 0 where the window was taken back.
    public var digest: Int64
    public var quality: TimeQuality
    /// When the device was last heard, up to the window's end; of groups, `nil`.
    public var lastHeard: Timestamp?
    var isGroup: Bool
  }

  public private(set) var windows: [Rehearsal.Key: Window] = [:]
  /// Records that are still in the outbox, by their digest.
  private var kept: [Int64: [UInt8]] = [:]

  public init(outboxPath: String) throws {
    for record in try Outbox.records(.summary, path: outboxPath) {
      if let digest = SealedSummary.digest(ofRecord: record) { kept[digest] = record }
    }
    let database = try Database(path: outboxPath, mode: .reader)
    guard try database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'derive_window'") == 1 else {
      throw RehearsalError(
        reason: "\(outboxPath) was written by an earlier version", hint: "the daemon brings it forward when it starts")
    }
    try database.snapshot { try read(database) }
  }

  private mutating func read(_ database: Database) throws {
    var names: [Int64: String] = [:]
    for row in try DeriveStore.devices(database, registry: Registry()) { names[row.id] = row.device.name }
    for (name, id) in try WindowStore.groups(database) { names[-id] = "[\(name)]" }
    for length in try WindowStore.lengths(database) {
      let all = Timestamp(nanoseconds: .min)..<Timestamp(nanoseconds: .max)
      try WindowStore.windows(length, all, database) { start, id, sealed in
        guard let name = names[id], sealed.revision >= 0 else { return }
        windows[Rehearsal.Key(start: start, end: start + length, name: name)] = Window(
          revision: sealed.revision, digest: sealed.digest, quality: sealed.quality, lastHeard: sealed.heard,
          isGroup: id < 0)
      }
    }
  }

  /// The record while it is in the outbox; what is known of it once it was deleted there; `nil` where it is no window of
  /// these.
  public func json(_ key: Rehearsal.Key) -> [UInt8]? {
    guard let window = windows[key] else { return nil }
    if let record = kept[window.digest] { return record }
    var writer = JSONWriter()
    writer.object { json in
      json.field("type", "summary")
      json.field("revision", window.revision)
      json.field(
        window.isGroup ? "group" : "device", window.isGroup ? String(key.name.dropFirst().dropLast()) : key.name)
      json.field("start", key.start)
      json.field("end", key.end)
      json.field("time_quality", window.quality.rawValue)
      if let heard = window.lastHeard { json.field("last_heard", heard) }
      if window.digest == 0 { json.field("void", true) }
      json.field("deleted", true)
    }
    return writer.bytes
  }
}
