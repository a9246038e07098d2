import Telemetry
import Testing

@testable import Derive

/// What a device carried is the start of its first window of the new length, however often the process begins before
/// that one is sealed.
@Suite("Windows of another length")
struct LengthChangeTests {
  private static let origin = RFC3339.parse("2026-11-22T12:00:00Z")!

  private func message(_ second: Int64, counter: Double? = nil, state: String? = nil) -> StreamMessage {
    let time = Self.origin + .seconds(second)
    return StreamMessage(device: "cam-0", time: time, received: time, counter: counter, state: state)
  }

  private func derive(_ store: TemporaryStore) throws {
    let deriver = try store.deriver()
    _ = try deriver.turn(now: .seconds(1))
    try deriver.finish()
  }

  /// Counter and state of the windows that begin at second 40 or later, by their start.
  /// - Parameter late: second and counter of a reading that comes when the first windows are sealed.
  private func windows(
    restarts: Int, silentFirst: Bool, late: (second: Int64, counter: Double)? = nil
  ) throws -> [String: String] {
    let store = try TemporaryStore()
    store.length = .seconds(10)
    try store.write([message(31, counter: 100, state: "on")], at: Self.origin + .seconds(31))
    try store.write([], at: Self.origin + .seconds(43))
    try derive(store)
    store.length = .seconds(20)
    for _ in 0..<restarts { try derive(store) }
    if silentFirst {
      try store.write([], at: Self.origin + .seconds(63))
      try derive(store)
    }
    let second: Int64 = silentFirst ? 65 : 45
    try store.write([message(second, counter: 130)], at: Self.origin + .seconds(second))
    try store.write([], at: Self.origin + .seconds(83))
    try derive(store)
    if let late {
      try store.write([message(late.second, counter: late.counter)], at: Self.origin + .seconds(84))
      try derive(store)
    }
    var found: [String: String] = [:]
    for record in try store.records(.summary) {
      guard let start = record["start"] as? String, start >= "2026-11-22T12:00:40Z" else { continue }
      let metrics = record["metrics"] as? [String: [String: Any]]
      let seconds = (metrics?["s"]?["seconds"] as? [String: Double])?["on"] ?? 0
      found[start] = "\(metrics?["c"]?["increase"] as? Int ?? -1) \(seconds)"
    }
    return found
  }

  @Test("begin with what the device carried", arguments: [1, 2, 3])
  func carried(restarts: Int) throws {
    #expect(
      try windows(restarts: restarts, silentFirst: false) == [
        "2026-11-22T12:00:40Z": "30 20.0", "2026-11-22T12:01:00Z": "-1 20.0",
      ])
  }

  @Test("begin with it where a late reading revises the first of them too", arguments: [1, 2, 3])
  func revised(restarts: Int) throws {
    let late = (second: Int64(42), counter: 110.0)
    #expect(
      try windows(restarts: restarts, silentFirst: false, late: late) == [
        "2026-11-22T12:00:40Z": "30 20.0", "2026-11-22T12:01:00Z": "-1 20.0",
      ])
    #expect(
      try windows(restarts: restarts, silentFirst: true, late: late) == [
        "2026-11-22T12:00:40Z": "10 20.0", "2026-11-22T12:01:00Z": "20 20.0",
      ])
  }

  @Test("hand on what the device carried where the first of them is silent", arguments: [1, 2, 3])
  func silent(restarts: Int) throws {
    #expect(
      try windows(restarts: restarts, silentFirst: true) == [
        "2026-11-22T12:00:40Z": "-1 20.0", "2026-11-22T12:01:00Z": "30 20.0",
      ])
  }
}
