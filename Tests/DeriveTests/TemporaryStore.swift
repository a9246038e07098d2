import Foundation
import Journal
import SQLite
import Telemetry
import Windows

@testable import Derive
@testable import Outbox

/// A journal and an outbox in a folder of their own, without syncs: these tests are about what is written.
final class TemporaryStore {
  let folder: String
  let writer: JournalWriter
  let outbox: Outbox
  var rules: [AlarmRule] = []
  /// Instead of the cameras that report JSON.
  var sources: [SourceDefinition] = []
  var roomyDevices = 1000
  var keepsContents = false
  var longer: [Span] = []
  var rollups: [RollupRule] = []
  var trustsClock = true
  var retirement = Span.hours(24)
  var lateness = Span.hours(24)
  var length = RandomStream.length
  var clock = ClockUse.believe
  private var packet: UInt16 = 0

  /// - Parameter copy: a folder with the two files of an earlier program's store, which stay as they are.
  init(copy: String? = nil, gateway: String = "test") throws {
    // In memory where there is room: many of these are made.
    let root = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory()
    folder = root + "lumbung-derive-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for name in copy == nil ? [] : ["journal.db", "outbox.db"] {
      try FileManager.default.copyItem(atPath: copy! + "/" + name, toPath: folder + "/" + name)
    }
    var options = JournalWriter.Options()
    options.synchronous = "OFF"
    writer = try JournalWriter(path: folder + "/journal.db", options: options)
    outbox = try Outbox(
      Outbox.Options(
        path: folder + "/outbox.db", gateway: gateway, epoch: writer.uuid, destinations: [.init(name: "central")],
        extraSchema: Deriver.schema, synchronous: "OFF"))
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// A new process over the same files.
  func deriver() throws -> Deriver {
    var source = SourceDefinition(name: "cameras", topic: try TopicPattern("school/{site}/{cam}"), format: "json")
    source.device = Template("{cam}")
    source.deviceClass = .camera
    source.interval = .seconds(3)
    source.site = Template("{site}")
    source.labels = ["zone": Template("{site}")!]
    source.clock = clock
    source.time = TimeMapping(path: "/ts", unit: .milliseconds)
    source.metrics = [
      MetricMapping(name: "g", path: "/g"), MetricMapping(name: "c", path: "/c", kind: .counter),
      MetricMapping(name: "s", path: "/s", kind: .state),
    ]
    var settings = DeriveSettings(
      gateway: "test",
      windows: WindowSettings(
        length: length, longer: longer, grace: .seconds(2), lateness: lateness, retirement: retirement),
      rollups: rollups, trustsClock: trustsClock, timezone: "UTC")
    settings.keepsContents = keepsContents
    settings.windows.roomyDevices = roomyDevices
    return try Deriver(
      settings: settings, sources: sources.isEmpty ? [source] : sources, rules: rules,
      journal: JournalReader(path: folder + "/journal.db"), outbox: outbox,
      outboxPath: folder + "/outbox.db")
  }

  func write(_ messages: [StreamMessage], at wall: Timestamp) throws {
    try writeTexts(messages.map { ($0.topic, $0.payload, $0.received) }, at: wall)
  }

  func writeRaw(_ messages: [(String, String)]) throws {
    let wall = RandomStream.origin + .seconds(1)
    try writeTexts(messages.map { ($0.0, $0.1, wall) }, at: wall)
  }

  func write(_ segment: StreamSegment) throws {
    try write(segment.messages.map { ($0.topic, $0.payload, $0.received) }, clock: segment.clock)
  }

  func writeTexts(_ messages: [(topic: String, payload: String, received: Timestamp)], at wall: Timestamp) throws {
    try write(
      messages, clock: ClockReading(wall: wall, boot: "test", sinceBoot: .seconds(1), synchronised: true))
  }

  private func write(
    _ messages: [(topic: String, payload: String, received: Timestamp)], clock: ClockReading
  ) throws {
    var builder = SegmentBuilder()
    for message in messages {
      packet &+= 1
      Array(message.topic.utf8).withUnsafeBytes { topic in
        Array(message.payload.utf8).withUnsafeBytes { payload in
          builder.append(
            topic: topic, payload: payload, packetID: packet, qos: 1, retained: false, receivedAt: message.received)
        }
      }
    }
    _ = try writer.append(builder, clock: clock)
  }

  /// All records of a lane, in the order of their numbers.
  func records(_ lane: Lane) throws -> [[String: Any]] {
    var records: [[String: Any]] = []
    for batch in try outbox.nextBatches(for: "central", lane: lane, limit: 10_000) {
      let body = try Codec.expand(batch.body, batch.encoding)
      let object = try JSONSerialization.jsonObject(with: Data(body)) as! [String: Any]
      records += object["records"] as! [[String: Any]]
    }
    return records
  }

  /// The highest revision of each window; a revision that does not rise is a fault.
  func latestSummaries(_ planted: PlantedFault? = nil) throws -> [BruteForce.Key: [String: Any]] {
    var latest: [BruteForce.Key: [String: Any]] = [:]
    for record in try records(.summary) {
      let start = RFC3339.parse(record["start"] as! String)!
      let end = RFC3339.parse(record["end"] as! String)!
      let key = BruteForce.Key(
        device: record["device"] as? String ?? "group:" + (record["group"] as! String), start: start.nanoseconds,
        length: (end - start).nanoseconds)
      let revision = record["revision"] as! Int
      if let known = latest[key]?["revision"] as? Int, known >= revision {
        throw Comparison.Fault(description: "revision \(revision) of \(key) came after \(known)")
      }
      if planted != .firstRevisions || latest[key] == nil { latest[key] = record }
    }
    return planted == .voidsKept ? latest : latest.filter { $0.value["void"] == nil }
  }

  /// The next process will believe that it has derived one segment more.
  func skipSegment() throws {
    try outbox.transaction { try $0.database.execute("UPDATE derive_cursor SET position = position + 1") }
  }

  /// The next process will not know what its devices bore.
  func forgetLabels() throws {
    try outbox.transaction { try $0.database.execute("UPDATE derive_device SET labels = NULL") }
  }

  /// The records of one transaction after another.
  func batches(_ lane: Lane) throws -> [[[String: Any]]] {
    try outbox.nextBatches(for: "central", lane: lane, limit: 100_000).map { batch in
      let body = try Codec.expand(batch.body, batch.encoding)
      let object = try JSONSerialization.jsonObject(with: Data(body)) as! [String: Any]
      return object["records"] as! [[String: Any]]
    }
  }
}
