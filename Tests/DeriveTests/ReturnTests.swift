import Journal
import SQLite
import Telemetry
import Testing

@testable import Derive

/// A device was silent for so long that nothing is remembered of it but what it carries, and comes back.
@Suite("The window in which a device returns")
struct ReturnTests {
  private static let origin = RFC3339.parse("2026-11-22T12:00:00Z")!

  private func write(_ store: TemporaryStore, at second: Int64, _ messages: [(second: Int64, counter: Double)]) throws {
    let time = Self.origin + .seconds(second)
    let sent = messages.map {
      StreamMessage(device: "cam-0", time: Self.origin + .seconds($0.second), received: time, counter: $0.counter)
    }
    let clock = ClockReading(wall: time, boot: "test", sinceBoot: .seconds(second), synchronised: true)
    try store.write(StreamSegment(messages: sent, clock: clock))
    let deriver = try store.deriver()
    _ = try deriver.turn(now: .seconds(second))
    try deriver.finish()
  }

  /// The increase in the last revision of the window of its return.
  private func increase(late: Bool) throws -> Int? {
    let store = try TemporaryStore()
    store.length = .seconds(10)
    (store.retirement, store.lateness) = (.seconds(60), .seconds(60))
    try write(store, at: 5, [(5, 100)])
    for second in stride(from: Int64(30), through: 600, by: 30) { try write(store, at: second, []) }
    let database = try Database(path: store.folder + "/outbox.db", mode: .reader)
    #expect(try database.integer("SELECT count(*) FROM derive_window") == 0, "windows go after their time")
    try write(store, at: 605, [(605, 130)])
    try write(store, at: 625, [])
    if late { try write(store, at: 628, [(603, 110)]) }
    try write(store, at: 640, [])
    let records = try store.records(.summary).filter { $0["start"] as? String == "2026-11-22T12:10:00Z" }
    #expect(records.count == (late ? 2 : 1))
    let metrics = records.last?["metrics"] as? [String: [String: Any]]
    return metrics?["c"]?["increase"] as? Int
  }

  @Test("counts from what it carried") func carried() throws { #expect(try increase(late: false) == 30) }

  @Test("counts from it as well when a late reading revises it") func revised() throws {
    #expect(try increase(late: true) == 30)
  }
}
