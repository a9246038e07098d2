import Telemetry
import Testing

@testable import Derive

@Suite("A device whose clock is off by an hour")
struct DeviceClockTests {
  /// The last record of each window, of a report each 21 s by a clock that is an hour behind, through processes that end now and then.
  private func records(_ clock: ClockUse, endsEvery turns: Int) throws -> [[String: Any]] {
    let store = try TemporaryStore()
    store.length = .seconds(60)
    store.clock = clock
    var deriver = try store.deriver()
    for number in 0..<40 as Range<Int64> {
      let received = RandomStream.origin + .seconds(number * 21)
      let message = StreamMessage(
        device: "cam-0", time: received - .seconds(3600), received: received, gauge: Double(number))
      try store.write([message], at: received)
      _ = try deriver.turn(now: .seconds(number * 21))
      if Int(number) % turns == turns - 1 { deriver = try store.deriver() }
    }
    try deriver.finish()
    return try store.latestSummaries().sorted { $0.key.start < $1.key.start }.map(\.value)
  }

  private func said(_ records: [[String: Any]]) -> [String] {
    records.map { "\($0["start"]!) \($0["received"]!) \($0["clock_offset"] ?? "")" }
  }

  @Test("is put right where its source says so, and how far it is off is told all the same")
  func corrected() throws {
    let records = try records(.correct, endsEvery: 1000)
    let present = records.filter { ($0["start"] as! String) >= "2026-11-22T03:42:00Z" }
    #expect(present.count > 8)
    for record in present.dropFirst() {
      #expect(record["received"] as! Int >= 2)
      // Three messages of a window at least say it.
      if record["received"] as! Int >= 3 { #expect(record["clock_offset"] as? Double == 3600) }
    }
    // The first three came before anybody knew.
    let before = records.filter { ($0["start"] as! String) < "2026-11-22T03:00:00Z" }
    #expect(before.reduce(0) { $0 + ($1["received"] as! Int) } == 3)
  }

  @Test("is corrected alike however often the process ends")
  func restarts() throws {
    let straight = said(try records(.correct, endsEvery: 1000))
    for turns in [1, 2, 3, 7] { #expect(said(try records(.correct, endsEvery: turns)) == straight) }
  }

  @Test("is believed elsewhere, and told")
  func believed() throws {
    let records = try records(.believe, endsEvery: 1000)
    #expect(records.contains { $0["clock_offset"] as? Double == 3600 })
    let heard = records.filter { $0["received"] as! Int > 0 }
    #expect(heard.allSatisfy { ($0["start"] as! String) < "2026-11-22T03:00:00Z" })
  }
}
