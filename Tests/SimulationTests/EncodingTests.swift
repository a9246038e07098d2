import Telemetry
import Testing

@testable import Simulation

@Suite("Encoding")
struct EncodingTests {
  @Test(
    "writes decimals with the asked places, rounded",
    arguments: [
      (24.84, 1, "24.8"), (24.85001, 1, "24.9"), (-0.04, 1, "0.0"), (-27.456, 2, "-27.46"), (0.0009, 3, "0.001"),
      (99.99, 1, "100.0"), (1.05, 2, "1.05"), (-0.5, 1, "-0.5"),
    ])
  func decimals(value: Double, places: Int, text: String) {
    var out = PayloadWriter()
    out.decimal(value, places)
    #expect(String(decoding: out.bytes, as: UTF8.self) == text)
  }

  @Test("writes integers of all sizes")
  func integers() {
    for value in [0, 7, 10, -10, .max, .min, 1_000_000] as [Int64] {
      var out = PayloadWriter()
      out.integer(value)
      #expect(String(decoding: out.bytes, as: UTF8.self) == String(value))
    }
  }

  @Test("pads, and leaves what is longer")
  func padding() {
    var out = PayloadWriter()
    out.padded(7, 2)
    out.padded(2026, 2)
    #expect(String(decoding: out.bytes, as: UTF8.self) == "072026")
  }

  @Test("writes local time as the devices do")
  func localTime() {
    let time = LocalTime(start)
    var out = PayloadWriter()
    time.writeNaive(to: &out)
    out.text("|")
    time.writeLong(to: &out)
    out.text("|")
    time.writeTwelveHours(to: &out)
    #expect(
      String(decoding: out.bytes, as: UTF8.self) == "2026-11-22T10:40:00|Sun Nov 22 10:40:00 WIB 2026|10:40 AM")
  }

  @Test("gives the same random numbers for ever")
  func randomNumbers() {
    // The first outputs of SplitMix64 from 0, as its author published them.
    var random = SeededRandom(seed: 0)
    #expect([random.next(), random.next()] == [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4])
  }

  @Test("takes what is queued by time, and by order where times are equal")
  func queueOrder() {
    var queue = EventQueue()
    for (index, at) in [5, 3, 9, 3, 1, 5, 3].enumerated() { queue.add(.message(index), at: Int64(at)) }
    var order: [Int] = []
    while let entry = queue.popFirst() {
      if case .message(let index) = entry.event { order.append(index) }
    }
    #expect(order == [4, 1, 3, 6, 0, 5, 2])
  }

  @Test("meets a quota exactly", arguments: [0.0, 0.03, 0.25, 0.5, 1])
  func quota(share: Double) {
    var quota = Quota(share: share, seed: 99)
    let taken = (0..<1000).count { _ in quota.takes() }
    #expect(abs(Double(taken) - share * 1000) <= 1)
  }
}
