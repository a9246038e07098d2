import Glibc
import Synchronization
import Telemetry

@testable import Simulation

/// 2026-11-22T03:40:00Z
let start = Timestamp(milliseconds: 1_795_318_800_000)

/// The first messages of a district.
func plan(
  _ count: Int, seed: UInt64 = 7, scenario: Scenario = Scenario(), start: Timestamp = start, rate: Double? = nil
) -> [PlannedMessage] {
  Array(District(seed: seed, scenario: scenario, start: start, rate: rate).prefix(count))
}

/// A scenario without any fault.
func flawless() -> Scenario {
  var scenario = Scenario()
  scenario.duplicates = 0
  scenario.outOfOrder = 0
  scenario.rubbish = 0
  scenario.outages = 0
  scenario.reboots = 0
  scenario.dropoutsPerHour = 0
  scenario.drifting = 0
  scenario.wrongClocks = 0
  return scenario
}

extension PlannedMessage {
  var text: String { String(decoding: payload, as: UTF8.self) }

  /// The number after `"key":` where the payload has one.
  func number(_ key: String) -> Int64? {
    let mark = Array("\"\(key)\":".utf8)
    guard payload.count > mark.count else { return nil }
    for index in 0...payload.count - mark.count where payload[index..<index + mark.count].elementsEqual(mark) {
      let digits = payload[(index + mark.count)...].prefix { $0 == UInt8(ascii: "-") || $0 &- 48 < 10 }
      return Int64(String(decoding: digits, as: UTF8.self))
    }
    return nil
  }
}

/// Takes what a simulation publishes; acknowledges at once, all but the numbers that it is told to leave out.
final class FakePublisher: MessagePublishing, Sendable {
  struct Taken: Sendable {
    var messages: [(topic: String, payload: [UInt8], retain: Bool, token: UInt64)] = []
    var refusals = 0
    var isClosed = false
  }

  let taken = Mutex(Taken())
  private let acknowledged: @Sendable (UInt64) -> Void
  private let swallows: @Sendable (UInt64) -> Bool
  private let refuses: @Sendable (UInt64) -> Bool
  private let time: FakeTime

  init(
    time: FakeTime, acknowledged: @escaping @Sendable (UInt64) -> Void, swallows: @escaping @Sendable (UInt64) -> Bool,
    refuses: @escaping @Sendable (UInt64) -> Bool
  ) {
    self.time = time
    self.acknowledged = acknowledged
    self.swallows = swallows
    self.refuses = refuses
  }

  func publish(topic: String, payload: [UInt8], retain: Bool, token: UInt64) throws -> Bool {
    if refuses(token) {
      taken.withLock { $0.refusals += 1 }
      return false
    }
    taken.withLock { $0.messages.append((topic, payload, retain, token)) }
    if !swallows(token) { acknowledged(token) }
    return true
  }

  func idle(for span: Span) { time.pass(span) }
  func flush(within limit: Span) -> Bool { true }
  func close() { taken.withLock { $0.isClosed = true } }
}

/// Time that passes only while a publisher is idle.
final class FakeTime: Sendable {
  private let nanoseconds = Mutex<Int64>(5_000_000_000)

  func pass(_ span: Span) { nanoseconds.withLock { $0 += span.nanoseconds } }

  var ticker: Ticker {
    Ticker(
      now: { self.nanoseconds.withLock { $0 } },
      wall: { start + Span(nanoseconds: self.nanoseconds.withLock { $0 } - 5_000_000_000) })
  }
}

/// A file of its own for a test, gone afterwards.
func withTemporaryFile(_ body: (String) throws -> Void) throws {
  var template = Array("/tmp/simulation-test-XXXXXX".utf8CString)
  let file = mkstemp(&template)
  guard file >= 0 else { throw SimulationError(code: .record, description: "mkstemp") }
  Glibc.close(file)
  let path = String(decoding: template.dropLast().map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
  defer { unlink(path) }
  try body(path)
}

func contents(of path: String) -> String {
  guard let file = fopen(path, "r") else { return "" }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = fread(&chunk, 1, chunk.count, file)
    guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
    bytes.append(contentsOf: chunk[..<count])
  }
}

func write(_ text: String, to path: String) {
  guard let file = fopen(path, "w") else { return }
  fputs(text, file)
  fclose(file)
}
