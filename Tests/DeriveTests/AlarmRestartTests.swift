import Foundation
import Outbox
import SQLite
import Telemetry
import Testing

@testable import Derive

/// Alarms are a function of the journal: wherever the process ends and begins again, the same transitions leave, once.
@Suite("Alarms across restarts")
struct AlarmRestartTests {
  /// What a process finds gone that the one before it had written down.
  private enum Loss: String, CaseIterable {
    case lastHeard = "DELETE FROM derive_heard WHERE series IS NULL"
    case lastRead = "DELETE FROM derive_heard WHERE series IS NOT NULL"
    case listening = "UPDATE derive_cursor SET listening = NULL"
  }

  /// A course of readings, late ones and silences, in which the gateway loses its broker now and then.
  private struct Course {
    var segments: [[(topic: String, payload: String, received: Timestamp)]] = []
    var walls: [Timestamp] = []

    init(seed: UInt64) {
      var random = Seeded(state: seed)
      var now = RandomStream.origin
      var isConnected = false
      var held: [StreamMessage] = []
      for number in 0..<28 {
        now = now + .milliseconds(Int64.random(in: 500...4000, using: &random))
        if Int.random(in: 0..<6, using: &random) == 0 { now = now + .seconds(Int64.random(in: 8...30, using: &random)) }
        var texts: [(topic: String, payload: String, received: Timestamp)] = []
        if number == 0 || Int.random(in: 0..<12, using: &random) == 0 {
          isConnected.toggle()
          texts.append((Mark.topic, (isConnected ? Mark.connected : .disconnected).rawValue, now))
        }
        // Some report seldom, so that more than a window lies between two of their readings.
        for device in 0..<4 where Int.random(in: 0..<[2, 3, 8, 14][device], using: &random) == 0 {
          var message = StreamMessage(
            device: "cam-\(device)", time: now - .milliseconds(Int64.random(in: 0...800, using: &random)),
            received: now, gauge: Double(Int.random(in: -30...15, using: &random)))
          if Int.random(in: 0..<4, using: &random) == 0 {
            held.append(message)
          } else {
            if Int.random(in: 0..<8, using: &random) == 0 { message.time = now + .seconds(20) }
            texts.append((message.topic, message.payload, now))
          }
        }
        if !held.isEmpty, Int.random(in: 0..<5, using: &random) == 0 {
          texts += held.map { ($0.topic, $0.payload, now) }
          held = []
        }
        segments.append(texts)
        walls.append(now)
      }
      segments.append([])
      walls.append(now + .seconds(60))
    }
  }

  /// All transitions that leave, in words.
  private func story(_ course: Course, restartsAfter: (Int) -> Bool, losing loss: Loss? = nil) throws -> [String] {
    let store = try TemporaryStore()
    store.rules = [
      AlarmRule(name: "cold", metric: "g", condition: .below(limit: -20, clear: -15), hold: .seconds(5)),
      AlarmRule(name: "cool", metric: "g", condition: .below(limit: 0, clear: 5)),
      AlarmRule(name: "silent", condition: .missing(.seconds(12))),
      AlarmRule(name: "gone", condition: .missing(.seconds(27))),
    ]
    var deriver = try store.deriver()
    for (number, segment) in course.segments.enumerated() {
      try store.writeTexts(segment, at: course.walls[number])
      // Not every time: what a process has not come to yet is the next one's.
      if number % 3 != 1 { _ = try deriver.turn(now: .seconds(Int64(number))) }
      guard restartsAfter(number) else { continue }
      if let loss { try store.outbox.transaction { try $0.database.execute(loss.rawValue) } }
      deriver = try store.deriver()
    }
    _ = try deriver.turn(now: .seconds(1000))
    try deriver.finish()
    return try store.records(.alarm).map { record in
      record.filter { $0.key != "seq" }.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        .joined(separator: ", ")
    }.sorted()
  }

  private static let seeds = (ProcessInfo.processInfo.environment["LUMBUNG_ALARM_SEEDS"]).flatMap(UInt64.init) ?? 6

  @Test("the same alarms leave, whichever segment is the last that a process has seen")
  func same() throws {
    var transitions = 0
    for seed in 0..<Self.seeds {
      let course = Course(seed: seed)
      let expected = try story(course, restartsAfter: { _ in false })
      #expect(Set(expected).count == expected.count)
      transitions += expected.count
      for place in course.segments.indices {
        let found = try story(course, restartsAfter: { $0 == place })
        #expect(found == expected, "seed \(seed), after segment \(place + 1)")
      }
      #expect(try story(course, restartsAfter: { _ in true }) == expected, "seed \(seed), after each")
    }
    #expect(transitions > 10 * Int(Self.seeds))
  }

  @Test("a process that forgets what the one before it knew is seen", arguments: Loss.allCases)
  private func planted(_ loss: Loss) throws {
    let isSeen = try (0..<20 as Range<UInt64>).contains { seed in
      let course = Course(seed: seed)
      return try story(course, restartsAfter: { _ in true }, losing: loss)
        != story(course, restartsAfter: { _ in false })
    }
    #expect(isSeen)
  }
}
