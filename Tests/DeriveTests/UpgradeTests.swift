import Foundation
import SQLite
import Telemetry
import Testing

@testable import Derive

@Suite("A box whose store is of an earlier schema")
struct UpgradeTests {
  /// Three folders up from this file.
  private static let schemas: String = {
    let folders = "\(#filePath)".split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    return folders.joined(separator: "/") + "/Fixtures/schema"
  }()
  /// The second is the first, as the program of schema 4 took it over.
  private static let boxes = ["v1/box", "v4/box"]

  /// Of the last segment, rounded.
  private static let end = RFC3339.parse("2026-11-22T12:08:23Z")!

  private struct Window: Hashable {
    var device: String
    var start: String
  }

  private func store(_ box: String) throws -> TemporaryStore {
    let store = try TemporaryStore(copy: Self.schemas + "/" + box, gateway: "bench")
    store.length = .seconds(2)
    return store
  }

  /// Revisions of the windows that the earlier program sealed.
  private func sealed() throws -> [Window: Int64] {
    let path = NSTemporaryDirectory() + "lumbung-box-" + UUID().uuidString
    try FileManager.default.copyItem(atPath: Self.schemas + "/v1/box/outbox.db", toPath: path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let database = try Database(path: path, mode: .reader)
    let row = try database.statement(
      "SELECT d.name, s.start, s.revision FROM derive_sealed AS s JOIN derive_device AS d ON d.id = s.device")
    var found: [Window: Int64] = [:]
    while try row.step() {
      let start = RFC3339.format(Timestamp(nanoseconds: row.integer(1)))
      found[Window(device: row.text(0), start: start)] = row.integer(2)
    }
    row.reset()
    return found
  }

  private func message(_ device: String, _ second: Int64, _ gauge: Double, received: Timestamp) -> StreamMessage {
    StreamMessage(
      device: device, time: RFC3339.parse("2026-11-22T12:08:\(second)Z")!, received: received, gauge: gauge)
  }

  @Test(
    "goes on: windows follow those that were sealed, and late readings revise these with higher numbers",
    arguments: boxes)
  func goesOn(box: String) throws {
    let before = try sealed()
    #expect(before.count == 14)
    let store = try store(box)
    let sent = try store.records(.summary).count
    #expect(sent == 0)
    var deriver = try store.deriver()
    // One of a window with readings, one of a window that only carried.
    let late = [
      message("cam-1", 11, 77, received: Self.end), message("cam-0", 19, 88, received: Self.end),
      message("cam-1", 22, 99, received: Self.end),
    ]
    try store.write(late, at: Self.end)
    try store.write([], at: Self.end + .seconds(8))
    _ = try deriver.turn(now: .seconds(1))
    deriver = try store.deriver()
    _ = try deriver.turn(now: .seconds(40))
    try deriver.finish()

    let records = try store.records(.summary)
    var latest: [Window: [String: Any]] = [:]
    for record in records {
      let window = Window(device: record["device"] as! String, start: record["start"] as! String)
      let revision = Int64(record["revision"] as! Int)
      let known = latest[window].map { Int64($0["revision"] as! Int) } ?? before[window] ?? -1
      #expect(revision > known, "\(window)")
      latest[window] = record
    }
    let revised = try #require(latest[Window(device: "cam-1", start: "2026-11-22T12:08:10Z")])
    #expect(revised["received"] as? Int == 3)
    #expect((revised["metrics"] as? [String: [String: Any]])?["g"]?["max"] as? Double == 77)
    let filled = try #require(latest[Window(device: "cam-0", start: "2026-11-22T12:08:18Z")])
    #expect(filled["received"] as? Int == 1)
    // What the earlier program had sealed and the late readings don't touch stays as it was sent.
    #expect(latest[Window(device: "cam-0", start: "2026-11-22T12:08:10Z")] == nil)
    let next = try #require(latest[Window(device: "cam-1", start: "2026-11-22T12:08:22Z")])
    #expect(next["revision"] as? Int == 0)
    // From the counter and the state that the earlier program carried.
    let state = (next["metrics"] as? [String: [String: Any]])?["s"]
    #expect(state?["seconds"] as? [String: Double] == ["on": 2])
    #expect(try Database(path: store.folder + "/outbox.db", mode: .reader).integer("PRAGMA user_version") > 1)
  }

  @Test("starts without anything new as if nothing had happened", arguments: boxes)
  func nothingNew(box: String) throws {
    let store = try store(box)
    let deriver = try store.deriver()
    _ = try deriver.turn(now: .seconds(1))
    try deriver.finish()
    #expect(try store.records(.summary).isEmpty)
  }

  @Test("notices that devices are silent which only the earlier program has heard", arguments: boxes)
  func silence(box: String) throws {
    let store = try store(box)
    store.rules = [AlarmRule(name: "silent", condition: .missing(.seconds(5)))]
    try store.writeTexts([(Mark.topic, Mark.connected.rawValue, Self.end)], at: Self.end)
    _ = try store.deriver().turn(now: .seconds(1))
    try store.write([], at: Self.end + .seconds(6))
    _ = try store.deriver().turn(now: .seconds(2))
    let silent = try store.records(.alarm).map { $0["device"] as? String ?? "" }
    #expect(silent.sorted() == ["cam-0", "cam-1"])
  }
}
