import Glibc
import Journal
import Outbox
import Telemetry
import Windows

/// Derives a journal once more, beside the daemon and without touching the store: what would its messages come to with
/// these settings?
public struct Rehearsal {
  /// Whose window it is; a group's name stands in brackets.
  public struct Key: Hashable, Comparable, Sendable {
    public var start: Timestamp
    public var end: Timestamp
    public var name: String

    public static func < (a: Key, b: Key) -> Bool { (a.start, a.end, a.name) < (b.start, b.end, b.name) }
  }

  public struct Record: Sendable, Equatable {
    /// Equal for equal content, whatever the revision; 0 where the window was taken back.
    public var digest: Int64
    public var json: [UInt8]
  }

  /// The last revision of each window.
  public private(set) var summaries: [Key: Record] = [:]
  /// Transitions in the order in which they came.
  public private(set) var alarms: [AlarmRecord] = []
  public private(set) var counts = DeriveCounts()

  /// - Parameters:
  ///   - since: where to begin in the journal; the beginning, if not given. Whatever counts from earlier messages then
  ///     counts from these.
  /// - Throws: where the journal can't be read, a source can't be compiled, or the temporary folder has no room.
  public init(
    journalPath: String, settings: DeriveSettings, sources: [SourceDefinition], rules: [AlarmRule], since: Timestamp?
  ) throws {
    let folder = try Rehearsal.makeFolder()
    defer { Rehearsal.remove(folder) }
    let journal = try JournalReader(path: journalPath)
    let first = try since.map { try journal.firstID(receivedAtOrAfter: $0) } ?? journal.oldestID
    let outboxPath = folder + "/outbox.db"
    let outbox = try Outbox(
      Outbox.Options(
        path: outboxPath, gateway: settings.gateway, epoch: journal.uuid, destinations: [],
        extraSchema: Deriver.schema, synchronous: "OFF"))
    let deriver = try Deriver(
      settings: settings, sources: sources, rules: rules, journal: journal, outbox: outbox, outboxPath: outboxPath)
    let found = Findings()
    deriver.observer = found
    deriver.position = max(0, first - 1)
    while try !deriver.turn(now: .zero) {}
    try deriver.finish()
    (summaries, alarms, counts) = (found.summaries, found.alarms, deriver.counts)
  }

  /// Gathers what a deriver sends.
  final class Findings {
    var summaries: [Key: Record] = [:]
    var alarms: [AlarmRecord] = []

    func note(_ summary: SealedSummary, _ json: [UInt8]) {
      let name = summary.isGroup ? "[\(summary.device.name)]" : summary.device.name
      summaries[Key(start: summary.start, end: summary.end, name: name)] = Record(digest: summary.digest, json: json)
    }
  }

  private static func makeFolder() throws -> String {
    let root = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(root)/lumbung-rehearsal-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw RehearsalError(
        reason: "no temporary folder can be made in \(root): \(String(cString: strerror(errno)))",
        hint: "TMPDIR names another place")
    }
    return String(cString: made)
  }

  private static func remove(_ folder: String) {
    for name in ["outbox.db", "outbox.db-wal", "outbox.db-shm", "generation", "generation.new"] {
      unlink("\(folder)/\(name)")
    }
    rmdir(folder)
  }
}

public struct RehearsalError: Error, CustomStringConvertible {
  let reason: String
  let hint: String
  public var description: String { "\(reason); \(hint)" }
}
