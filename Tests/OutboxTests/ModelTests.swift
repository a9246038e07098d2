import SQLite
import Telemetry
import Testing

@testable import Outbox

/// Random sequences of everything that can be done to an outbox, held against sets of numbers.
@Suite("Outbox against its model")
struct ModelTests {
  private static let lanes: [Lane] = [.alarm, .summary, .status]

  /// What a destination was told of a lane.
  private struct Told {
    /// For each number that was ever handed out to send: what the line said.
    var content: [Int64: String] = [:]
    var settled: Set<Int64> = []
  }

  private struct Model {
    var appended: [Lane: [String]] = [:]
    var told: [String: [Lane: Told]] = [:]
    var deadLetters = 0

    func count(_ lane: Lane) -> Int64 { Int64(appended[lane]?.count ?? 0) }
  }

  @Test(
    "every record is pending, delivered, dead or accounted for, exactly one of these",
    arguments: 1...12 as ClosedRange<UInt64>)
  func randomSequences(seed: UInt64) throws {
    var dice = Dice(seed)
    let folder = Folder()
    let destinations: [Outbox.Destination] = [
      .init(name: "a"), .init(name: "b", optional: seed.isMultiple(of: 2)),
    ]
    var outbox = try folder.open(destinations, synchronous: "OFF")
    var model = Model()
    var number = 0
    var marks: [String: Outbox.Mark] = [:]
    for _ in 0..<250 {
      let lane = Self.lanes.randomElement(using: &dice)!
      let destination = destinations.randomElement(using: &dice)!.name
      switch Int.random(in: 0..<100, using: &dice) {
      case 0..<45:
        try outbox.transaction { transaction in
          for _ in 0..<Int.random(in: 1...40, using: &dice) {
            number += 1
            let record = record(number, padding: Int.random(in: 0...1500, using: &dice))
            transaction.append(lane, record)
            model.appended[lane, default: []].append(String(decoding: record.dropFirst(), as: UTF8.self))
          }
        }
      case 45..<70:
        let key = "\(destination)/\(lane)"
        if Int.random(in: 0..<4, using: &dice) == 0 { marks[key] = try outbox.newest(for: destination, lane: lane) }
        let parts: [Outbox.Part] = [.all] + (marks[key].map { [.after($0), .through($0)] } ?? [])
        let batches = try take(
          outbox, &model, destination, lane, limit: Int.random(in: 1...8, using: &dice),
          part: parts.randomElement(using: &dice) ?? .all)
        let chosen = batches.filter { _ in Int.random(in: 0..<4, using: &dice) > 0 }
        if Bool.random(using: &dice) {
          try outbox.delivered(chosen.map(\.id), for: destination)
        } else {
          try outbox.delivered(chosen, for: destination)
        }
        for batch in chosen { model.told[destination]![lane]!.settled.formUnion(batch.first...batch.last) }
      case 70..<80:
        let batches = try take(outbox, &model, destination, lane, limit: 3)
        if let batch = batches.randomElement(using: &dice) { try outbox.split(batch) }
      case 80..<86:
        guard var batch = try take(outbox, &model, destination, lane, limit: 1).first else { break }
        while batch.recordCount > 1 {
          try outbox.split(batch)
          batch = try #require(try take(outbox, &model, destination, lane, limit: 1).first)
        }
        let isNotice = try batch.lines[0].contains(#""type":"refused""#)
        try outbox.refuse(batch, for: destination, reason: "no")
        model.told[destination]![lane]!.settled.formUnion(batch.first...batch.last)
        model.deadLetters += 1
        if !isNotice { model.appended[.status, default: []].append("*") }
      case 86..<94:
        _ = try outbox.enforceQuota(bytes: outbox.bytesInUse * Int64.random(in: 40...110, using: &dice) / 100)
      default:
        outbox = try folder.open(destinations, synchronous: "OFF")
      }
      if Int.random(in: 0..<4, using: &dice) == 0 { try check(folder, outbox, model, destinations) }
    }
    for destination in destinations.map(\.name) {
      for lane in Self.lanes {
        while true {
          let batches = try take(outbox, &model, destination, lane, limit: 16)
          if batches.isEmpty { break }
          try outbox.delivered(batches.map(\.id), for: destination)
          for batch in batches { model.told[destination]![lane]!.settled.formUnion(batch.first...batch.last) }
        }
        #expect(model.told[destination]?[lane]?.settled ?? [] == Set(1..<model.count(lane) + 1))
      }
    }
    #expect(outbox.deadLetterCount == Int64(model.deadLetters))
    _ = try outbox.enforceQuota(bytes: 1 << 30)
    let rows = try Database(path: folder.database, mode: .reader).integer("SELECT count(*) FROM outbox_batch")
    #expect(rows == 0)
  }

  /// Asks for batches as an uplink does, and holds what comes against what was told before.
  private func take(
    _ outbox: Outbox, _ model: inout Model, _ destination: String, _ lane: Lane, limit: Int,
    part: Outbox.Part = .all
  ) throws -> [Batch] {
    let batches = try outbox.nextBatches(for: destination, lane: lane, limit: limit, part: part)
    var told = model.told[destination]?[lane] ?? Told()
    for batch in batches {
      let lines = try batch.lines
      #expect(lines.count == batch.recordCount)
      for (index, line) in lines.enumerated() {
        let seq = batch.first + Int64(index)
        let numbers = line.contains(#""type":"dropped""#) ? batch.first...batch.last : seq...seq
        for number in numbers {
          #expect(!told.settled.contains(number), "\(destination) \(lane) \(number) comes again")
          #expect(told.content[number, default: line] == line, "\(destination) \(lane) \(number) has changed")
          told.content[number] = line
        }
        if numbers.count == 1, !line.contains(#""type":"dropped""#), let appended = model.appended[lane]?[Int(seq) - 1],
          appended != "*"
        {
          #expect(line == "{\"seq\":\(seq)," + appended)
        }
      }
    }
    model.told[destination, default: [:]][lane] = told
    return batches
  }

  /// Holds the file against the model: what a destination lacks lies there once.
  private func check(
    _ folder: Folder, _ outbox: Outbox, _ model: Model, _ destinations: [Outbox.Destination]
  ) throws {
    let reader = try Database(path: folder.database, mode: .reader)
    for lane in Self.lanes {
      let statement = try reader.statement("SELECT first, last, reason FROM outbox_batch WHERE lane=?1 ORDER BY first")
      statement.bind(1, lane.code)
      var present: Set<Int64> = []
      var accounted: Set<Int64> = []
      var last: Int64 = 0
      while try statement.step() {
        try #require(statement.integer(0) > last && statement.integer(1) >= statement.integer(0), "batches overlap")
        last = statement.integer(1)
        present.formUnion(statement.integer(0)...last)
        if !statement.isNull(2) { accounted.formUnion(statement.integer(0)...last) }
      }
      statement.reset()
      #expect(last <= model.count(lane))
      for destination in destinations {
        let settled = model.told[destination.name]?[lane]?.settled ?? []
        let lacking = Set(1..<model.count(lane) + 1).subtracting(settled)
        #expect(lacking.isSubset(of: present), "\(destination.name) \(lane): lost \(lacking.subtracting(present))")
        if lane == .alarm, !destination.optional { #expect(accounted.isDisjoint(with: lacking)) }
      }
    }
  }
}
