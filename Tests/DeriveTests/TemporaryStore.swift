import Foundation
import Journal
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
  private var packet: UInt16 = 0

  init() throws {
    folder = NSTemporaryDirectory() + "lumbung-derive-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var options = JournalWriter.Options()
    options.synchronous = "OFF"
    writer = try JournalWriter(path: folder + "/journal.db", options: options)
    outbox = try Outbox(
      Outbox.Options(
        path: folder + "/outbox.db", gateway: "test", epoch: writer.uuid, destinations: [.init(name: "central")],
        extraSchema: Deriver.schema, synchronous: "OFF"))
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// A new process over the same files.
  func deriver() throws -> Deriver {
    var source = SourceDefinition(name: "cameras", topic: try TopicPattern("school/{site}/{cam}"), format: "json")
    source.device = Template("{cam}")
    source.deviceClass = .camera
    source.time = TimeMapping(path: "/ts", unit: .milliseconds)
    source.metrics = [
      MetricMapping(name: "g", path: "/g"), MetricMapping(name: "c", path: "/c", kind: .counter),
      MetricMapping(name: "s", path: "/s", kind: .state),
    ]
    return try Deriver(
      settings: DeriveSettings(
        gateway: "test", windows: WindowSettings(length: RandomStream.length, grace: .seconds(2)), trustsClock: true,
        timezone: "UTC"),
      sources: sources.isEmpty ? [source] : sources, rules: rules, journal: JournalReader(path: folder + "/journal.db"),
      outbox: outbox,
      outboxPath: folder + "/outbox.db")
  }

  func write(_ messages: [StreamMessage], at wall: Timestamp) throws {
    try writeTexts(messages.map { ($0.topic, $0.payload, $0.received) }, at: wall)
  }

  func writeRaw(_ messages: [(String, String)]) throws {
    let wall = RandomStream.origin + .seconds(1)
    try writeTexts(messages.map { ($0.0, $0.1, wall) }, at: wall)
  }

  func writeTexts(_ messages: [(topic: String, payload: String, received: Timestamp)], at wall: Timestamp) throws {
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
    _ = try writer.append(
      builder, clock: ClockReading(wall: wall, boot: "test", sinceBoot: .seconds(1), synchronised: true))
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
  func latestSummaries() throws -> [BruteForce.Key: [String: Any]] {
    var latest: [BruteForce.Key: [String: Any]] = [:]
    for record in try records(.summary) {
      let start = RFC3339.parse(record["start"] as! String)!
      let key = BruteForce.Key(device: record["device"] as! String, start: start.nanoseconds)
      let revision = record["revision"] as! Int
      if let known = latest[key]?["revision"] as? Int, known >= revision {
        throw Comparison.Fault(description: "revision \(revision) of \(key) came after \(known)")
      }
      latest[key] = record
    }
    return latest
  }
}

enum Comparison {
  struct Fault: Error {
    var description: String
  }

  static func differences(_ record: [String: Any], _ want: BruteForce.Expected) -> [String] {
    var faults: [String] = []
    func same(_ name: String, _ got: Any?, _ wanted: Double?) {
      let number = (got as? NSNumber)?.doubleValue
      switch (number, wanted) {
      case (nil, nil): break
      case (let a?, let b?) where abs(a - b) <= 1e-9 * max(1, abs(b)): break
      default: faults.append("\(name): \(String(describing: got)) instead of \(String(describing: wanted))")
      }
    }
    let metrics = record["metrics"] as? [String: [String: Any]] ?? [:]
    same("received", record["received"], Double(want.received))
    let gauge = metrics["g"]
    same("g.count", gauge?["count"], want.gauge.map { Double($0.count) })
    same("g.min", gauge?["min"], want.gauge?.min)
    same("g.max", gauge?["max"], want.gauge?.max)
    same("g.mean", gauge?["mean"], want.gauge?.mean)
    same("g.first", gauge?["first"], want.gauge?.first)
    same("g.last", gauge?["last"], want.gauge?.last)
    same("g.p50", gauge?["p50"], want.gauge?.median)
    let counter = metrics["c"]
    same("c.count", counter?["count"], want.counter.map { Double($0.count) })
    same("c.first", counter?["first"], want.counter?.first)
    same("c.last", counter?["last"], want.counter?.last)
    same("c.increase", counter?["increase"], want.counter?.increase)
    same("c.resets", counter?["resets"], want.counter.map { Double($0.resets) })
    let state = metrics["s"]
    same("s.count", state?["count"], want.state.map { Double($0.count) })
    same("s.changes", state?["changes"], want.state.map { Double($0.changes) })
    if state?["last"] as? String != want.state?.last { faults.append("s.last") }
    let seconds = state?["seconds"] as? [String: Double] ?? [:]
    let wanted = (want.state?.seconds ?? [:]).filter { $0.value > 0 }
    if Set(seconds.keys) != Set(wanted.keys) { faults.append("s.seconds \(seconds) instead of \(wanted)") }
    for (name, value) in wanted { same("s.seconds.\(name)", seconds[name], value) }
    return faults
  }
}
