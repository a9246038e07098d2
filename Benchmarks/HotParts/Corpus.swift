import Simulation
import Telemetry

/// The simulated district's messages, in the order in which they are published.
public struct Corpus: Sequence, IteratorProtocol {
  private var district: District
  private var left: Int

  /// When the corpus of fixed content begins: 2026-11-22T03:40:00Z.
  public static let fixedStart = Timestamp(milliseconds: 1_795_318_800_000)

  /// - Parameters:
  ///   - start: the time of the first message, as its devices know it.
  ///   - rate: messages a second of all devices together.
  public init(devices: Int, messages: Int, rate: Double, start: Timestamp = Corpus.fixedStart, seed: UInt64 = 1) {
    district = District(seed: seed, scenario: Scenario().scaled(to: devices), start: start, rate: rate)
    left = messages
  }

  public mutating func next() -> PlannedMessage? {
    guard left > 0 else { return nil }
    left -= 1
    return district.next()
  }
}
