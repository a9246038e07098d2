import Journal
import Telemetry
import Testing

@testable import Derive

@Suite("Late readings of windows whose messages are gone")
struct PartialTests {
  private func message(_ second: Int64, _ gauge: Double, received: Int64) -> StreamMessage {
    StreamMessage(
      device: "cam-0", time: RandomStream.origin + .seconds(second), received: RandomStream.origin + .seconds(received),
      gauge: gauge)
  }

  /// Two messages and then a late one, when the segments of the first two are deleted.
  private func lateAfterTrim(_ store: TemporaryStore) throws -> [[String: Any]] {
    var deriver = try store.deriver()
    for (second, gauge) in [(1, 5.0), (4, 7.0)] {
      let time = Int64(second)
      try store.write([message(time, gauge, received: time)], at: RandomStream.origin + .seconds(time))
    }
    try store.write([], at: RandomStream.origin + .seconds(40))
    _ = try deriver.turn(now: .seconds(1))
    try deriver.finish()
    _ = try store.writer.trim(TrimRule(before: 3, limit: 100))
    deriver = try store.deriver()
    try store.write([message(6, 12, received: 41)], at: RandomStream.origin + .seconds(41))
    _ = try deriver.turn(now: .seconds(2))
    try deriver.finish()
    return try store.records(.summary).filter { $0["start"] as? String == "2026-11-22T03:40:00Z" }
  }

  @Test("join what was kept of it, and the record says so")
  func joined() throws {
    let store = try TemporaryStore()
    store.keepsContents = true
    store.longer = [.seconds(30)]
    let records = try lateAfterTrim(store)
    for record in records.suffix(2) {
      #expect(record["partial"] as? Bool == true)
      #expect(record["revision"] as? Int == 1)
      #expect(record["received"] as? Int == 3)
      let gauge = (record["metrics"] as? [String: [String: Any]])?["g"]
      #expect(gauge?["count"] as? Int == 3)
      #expect(gauge?["mean"] as? Double == 8)
      #expect(gauge?["last"] as? Double == 12)
    }
    #expect(records.count == 4)
  }

  @Test("are counted as too late where nothing was kept")
  func lost() throws {
    let records = try lateAfterTrim(try TemporaryStore())
    #expect(records.count == 1)
    #expect(records.first?["received"] as? Int == 2)
  }
}
