import Foundation
import Journal
import SQLite
import Telemetry
import Testing

@testable import Derive
@testable import Outbox

@Suite("What is derived from a journal")
struct DeriverTests {
  @Test("what is replayed after a restart is neither lost nor sent again")
  func replayIsIdempotent() throws {
    var generator = Seeded(state: 99)
    let stream = RandomStream(&generator)
    let store = try TemporaryStore()
    for segment in stream.segments { try store.write(segment) }
    let first = try store.deriver()
    while try !first.turn(now: .seconds(1)) {}
    try first.finish()
    let before = try store.records(.summary).count
    for _ in 0..<3 {
      let again = try store.deriver()
      while try !again.turn(now: .seconds(1)) {}
      try again.finish()
    }
    #expect(try store.records(.summary).count == before)
    #expect(before > 0)
  }

  @Test("turns go on to the journal's head, however large its segments are")
  func largeSegments() throws {
    let store = try TemporaryStore()
    let large = String(repeating: "x", count: 3 << 20)
    for _ in 0..<4 { try store.writeRaw([("school/a/cam-0", large)]) }
    let deriver = try store.deriver()
    var turns = 1
    while try !deriver.turn(now: .seconds(1)) { turns += 1 }
    #expect(deriver.counts.messages == 4)
    #expect(turns == 4)
  }

  @Test("a burst of late readings gives one revision a window, and a recomputation that changes nothing none")
  func oneRevision() throws {
    let store = try TemporaryStore()
    let deriver = try store.deriver()
    func message(_ second: Int64, _ gauge: Double, received: Int64) -> StreamMessage {
      StreamMessage(
        device: "cam-0", time: RandomStream.origin + .seconds(second),
        received: RandomStream.origin + .seconds(received), gauge: gauge)
    }
    try store.write([message(1, 5, received: 1)], at: RandomStream.origin + .seconds(1))
    try store.write([], at: RandomStream.origin + .seconds(30))
    _ = try deriver.turn(now: .seconds(30))
    for index in 0..<5 {
      try store.write([message(Int64(2 + index), 6, received: 31)], at: RandomStream.origin + .seconds(31))
      _ = try deriver.turn(now: .seconds(31))
    }
    #expect(try store.records(.summary).count { $0["revision"] as? Int == 1 } == 0)
    _ = try deriver.turn(now: .seconds(40))
    let revised = try store.records(.summary).filter { $0["revision"] as? Int == 1 }
    #expect(revised.count == 1)
    #expect(revised.first?["received"] as? Int == 6)
  }

  @Test("rubbish is quarantined with a reason, counted, and the rest goes on")
  func quarantine() throws {
    let store = try TemporaryStore()
    let deriver = try store.deriver()
    try store.writeRaw([("school/a/cam-0", "{\"ts\":17"), ("school/a/cam-0", "{\"ts\":1795318801000,\"g\":1}")])
    _ = try deriver.turn(now: .seconds(1))
    #expect(deriver.counts.quarantined == 1)
    #expect(deriver.counts.observations == 1)
    #expect(deriver.quarantine.first?.topic == "school/a/cam-0")
    #expect(deriver.quarantine.first?.reason.isEmpty == false)
  }

  private func message(_ second: Int64, _ gauge: Double, received: Int64) -> StreamMessage {
    StreamMessage(
      device: "cam-0", time: RandomStream.origin + .seconds(second),
      received: RandomStream.origin + .seconds(received), gauge: gauge)
  }

  /// A message a second for so long, and time enough after it to seal its window.
  private func minute(_ store: TemporaryStore) throws {
    for second in Int64(0)..<60 {
      try store.write([message(second, 1, received: second)], at: RandomStream.origin + .seconds(second))
    }
    try store.write([], at: RandomStream.origin + .seconds(90))
  }

  @Test("under a journal that it doesn't know, deriving starts at the first segment")
  func unknownJournal() throws {
    let store = try TemporaryStore()
    try minute(store)
    let first = try store.deriver()
    _ = try first.turn(now: .seconds(1))
    let derived = try store.records(.summary)
    #expect(first.position == 61 && !derived.isEmpty)
    try store.outbox.transaction { try $0.database.execute("UPDATE derive_cursor SET epoch = 'of another'") }
    let second = try store.deriver()
    #expect(second.position == 0)
    _ = try second.turn(now: .seconds(2))
    #expect(second.position == 61)
    let again = try store.records(.summary).dropFirst(derived.count)
    #expect(again.map { $0["received"] as? Int } == derived.map { $0["received"] as? Int })
  }

  @Test("an outbox made anew derives only the windows of which every message is there, late readings included")
  func wholeWindows() throws {
    let store = try TemporaryStore()
    try minute(store)
    // What came in the first seconds was derived by the outbox that is gone, and deleted.
    try store.writer.trim(before: 14, olderThan: nil, limit: 100)
    let deriver = try store.deriver()
    _ = try deriver.turn(now: .seconds(1))
    let whole = Int(RandomStream.length.nanoseconds / 1_000_000_000)
    let summaries = try store.records(.summary).filter { $0["received"] as? Int != 0 }
    #expect(summaries.count > 1 && summaries.allSatisfy { $0["received"] as? Int == whole })
    let starts = summaries.compactMap { ($0["start"] as? String).flatMap(RFC3339.parse) }
    #expect(try #require(starts.min()) > RandomStream.origin + .seconds(13))
    // A late one for a window of which a part is gone, in this process and in the next.
    try store.write([message(14, 2, received: 91)], at: RandomStream.origin + .seconds(91))
    _ = try deriver.turn(now: .seconds(100))
    #expect(deriver.counts.tooLate > 0)
    let next = try store.deriver()
    try store.write([message(15, 2, received: 92)], at: RandomStream.origin + .seconds(92))
    _ = try next.turn(now: .seconds(200))
    try next.finish()
    #expect(next.counts.tooLate > 0)
    #expect(try store.records(.summary).allSatisfy { ($0["revision"] as? Int) == 0 })
  }

  @Test("alarms leave with the same id after a crash, once")
  func alarmsOnce() throws {
    let store = try TemporaryStore()
    store.rules = [AlarmRule(name: "low", metric: "g", condition: .below(limit: 0, clear: 0))]
    func write(_ second: Int64, _ gauge: Double) throws {
      let time = RandomStream.origin + .seconds(second)
      try store.write([StreamMessage(device: "cam-0", time: time, received: time, gauge: gauge)], at: time)
    }
    try write(1, 5)
    try write(2, -5)
    let first = try store.deriver()
    _ = try first.turn(now: .seconds(1))
    let second = try store.deriver()
    try write(3, -6)
    try write(4, 1)
    _ = try second.turn(now: .seconds(2))
    let alarms = try store.records(.alarm)
    #expect(alarms.map { $0["transition"] as? String } == ["raised", "cleared"])
    #expect(Set(alarms.map { $0["id"] as? String }).count == 1)
  }
}
