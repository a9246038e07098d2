import Synchronization
import Telemetry
import Testing

@testable import Simulation

@Suite("A simulation")
struct SimulationTests {
  private final class Box: Sendable {
    let publisher = Mutex<FakePublisher?>(nil)
  }

  /// Runs on time that passes by itself, and gives what the publisher was handed.
  private func run(
    _ options: SimulationOptions, swallows: @escaping @Sendable (UInt64) -> Bool = { _ in false },
    refuses: @escaping @Sendable (UInt64) -> Bool = { _ in false }
  ) throws -> (report: SimulationReport, taken: FakePublisher.Taken) {
    let box = Box()
    let time = FakeTime()
    let simulation = try Simulation(
      options,
      connect: { _, acknowledged in
        let publisher = FakePublisher(
          time: time, acknowledged: acknowledged, swallows: swallows, refuses: refuses)
        box.publisher.withLock { $0 = publisher }
        return publisher
      }, ticker: time.ticker)
    let report = try simulation.run()
    let publisher = try #require(box.publisher.withLock { $0 })
    return (report, publisher.taken.withLock { $0 })
  }

  private func options(_ record: String? = nil) -> SimulationOptions {
    SimulationOptions(rate: 400, duration: .seconds(20), seed: 9, recordPath: record)
  }

  @Test("publishes the district's messages in their order and closes")
  func publishesThePlan() throws {
    let (report, taken) = try run(options())
    let planned = Array(
      District(seed: 9, scenario: Scenario(), start: start, rate: 400).prefix { $0.at < .seconds(20) })
    #expect(taken.messages.map(\.token) == planned.map(\.number))
    #expect(taken.messages.map(\.topic) == planned.map(\.topic))
    #expect(taken.messages.map(\.payload) == planned.map(\.payload))
    #expect(taken.messages.map(\.retain) == planned.map(\.retained))
    #expect(taken.isClosed)
    #expect(report.published == UInt64(planned.count))
    #expect(report.acknowledged == report.published)
    #expect(report.kinds.values.reduce(0, +) == report.published)
  }

  @Test("records every message that the publisher was given, and only acknowledged ones as such")
  func recordMatches() throws {
    try withTemporaryFile { path in
      let (report, taken) = try run(options(path), swallows: { $0 % 7 == 0 })
      let lines = contents(of: path).split(separator: "\n").map(String.init)
      #expect(lines[0].hasPrefix(#"{"record":"lumbung-simulate","version":1,"seed":9,"start":"2026-11-22T0"#))
      #expect(lines[0].contains(#""rubbish":"0.005""#))
      #expect(lines.allSatisfy { JSONCheck.isValid(Array($0.utf8)) })
      let messages = lines.filter { $0.hasPrefix(#"{"n":"#) }
      #expect(messages.count == taken.messages.count)
      for (line, message) in zip(messages, taken.messages) {
        #expect(line.hasPrefix("{\"n\":\(message.token),\"topic\":\"\(message.topic)\",\"payload"))
        #expect(line.contains(#""retain":\#(message.retain)"#))
        if String(validating: message.payload, as: UTF8.self) == nil {
          #expect(line.contains(#""payload_b64":"\#(Base64Text.encode(message.payload))""#))
        } else {
          var writer = JSONWriter()
          writer.object { $0.field("payload", String(decoding: message.payload, as: UTF8.self)) }
          #expect(line.contains(writer.text.dropFirst().dropLast()))
        }
      }
      let acknowledged = lines.filter { $0.hasPrefix(#"{"ack":"#) }
      #expect(acknowledged == taken.messages.map(\.token).filter { $0 % 7 != 0 }.map { "{\"ack\":\($0)}" })
      #expect(report.acknowledged == UInt64(acknowledged.count))
    }
  }

  @Test("writes a message down before the publisher has it")
  func recordsFirst() throws {
    try withTemporaryFile { path in
      let missing = Mutex(0)
      var short = options(path)
      short.duration = .seconds(2)
      _ = try run(
        short,
        refuses: { number in
          if !contents(of: path).contains("{\"n\":\(number),") { missing.withLock { $0 += 1 } }
          return false
        })
      #expect(missing.withLock { $0 } == 0)
    }
  }

  @Test("offers a message again until it is taken")
  func offersAgain() throws {
    let tries = Mutex<[UInt64: Int]>([:])
    let (report, taken) = try run(
      options(),
      refuses: { number in
        guard number % 50 == 0 else { return false }
        return tries.withLock { tries in
          tries[number, default: 0] += 1
          return tries[number, default: 0] < 4
        }
      })
    #expect(taken.refusals > 0)
    #expect(taken.messages.map(\.token) == Array(1...report.published))
  }

  @Test("that is stopped marks what it wrote down and didn't hand over")
  func stopsWhileRefused() throws {
    try withTemporaryFile { path in
      let time = FakeTime()
      let holder = Mutex<Simulation?>(nil)
      let refusals = Mutex(0)
      let simulation = try Simulation(
        options(path),
        connect: { _, acknowledged in
          FakePublisher(
            time: time, acknowledged: acknowledged, swallows: { _ in false },
            refuses: { number in
              guard number >= 100 else { return false }
              let count = refusals.withLock { count in
                count += 1
                return count
              }
              if count == 5 { holder.withLock { $0 }?.stop() }
              return true
            })
        }, ticker: time.ticker)
      holder.withLock { $0 = simulation }
      let report = try simulation.run()
      #expect(report.published == 99)
      let lines = contents(of: path).split(separator: "\n")
      let written = lines.filter { $0.hasPrefix(#"{"n":"#) }.count
      let unsent = lines.filter { $0.hasPrefix(#"{"unsent":"#) }.count
      #expect(unsent >= 1)
      #expect(written - unsent == 99)
    }
  }

  @Test("tells each second how far it is")
  func tellsProgress() throws {
    final class Seen: Sendable { let all = Mutex<[SimulationProgress]>([]) }
    let seen = Seen()
    var options = options()
    options.progress = { progress in seen.all.withLock { $0.append(progress) } }
    let (report, _) = try run(options)
    let all = seen.all.withLock { $0 }
    #expect((18...20).contains(all.count))
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.published < $1.published && $0.elapsed < $1.elapsed })
    #expect(all.allSatisfy { $0.published <= report.published && $0.acknowledged == $0.published })
  }

  @Test("refuses options that make no sense")
  func refusesNonsense() {
    for options in [
      SimulationOptions(rate: 0), SimulationOptions(rate: -1), SimulationOptions(rate: .nan),
      SimulationOptions(rate: 2e6), SimulationOptions(devices: 0), SimulationOptions(devices: -3),
    ] {
      #expect(throws: SimulationError.self) {
        try Simulation(options) { _, _ in throw SimulationError.broker("", "unused") }
      }
    }
  }

  @Test("whose record can't be written doesn't start")
  func refusesBadRecord() throws {
    let simulation = try Simulation(options("/nonexistent/record")) { _, _ in throw SimulationError.broker("", "") }
    #expect {
      try simulation.run()
    } throws: { error in
      (error as? SimulationError)?.code == .record
    }
  }

  @Test("whose disk is full ends with an error that names the record")
  func fullDisk() throws {
    let time = FakeTime()
    let simulation = try Simulation(
      options("/dev/full"),
      connect: { _, acknowledged in
        FakePublisher(time: time, acknowledged: acknowledged, swallows: { _ in false }, refuses: { _ in false })
      }, ticker: time.ticker)
    #expect {
      try simulation.run()
    } throws: { error in
      (error as? SimulationError)?.description.hasPrefix("/dev/full") == true
    }
  }

  @Test("reports in JSON")
  func reportsInJSON() {
    let report = SimulationReport(
      seed: 3, devices: 9, elapsed: .seconds(10), published: 100, acknowledged: 99, kinds: [.regular: 90, .late: 10])
    var writer = JSONWriter()
    report.write(to: &writer)
    #expect(
      writer.text == #"{"seed":3,"devices":9,"elapsed_seconds":10,"published":100,"acknowledged":99,"rate":10,"#
        + #""kinds":{"regular":90,"late":10}}"#)
  }
}
