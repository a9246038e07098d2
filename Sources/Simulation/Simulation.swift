import Synchronization
import Telemetry

/// A district that publishes: each message at its planned time, at once where it is late.
///
/// `run()` blocks, and belongs on a thread of its own; `stop()` may be called from anywhere, a signal's handler on a
/// queue included.
public struct Simulation: Sendable {
  private final class Flag: Sendable {
    let isSet = Atomic(false)
  }

  /// How long to wait at the end for what the broker has not acknowledged yet: longer than a broker takes that
  /// saves its queue to slow flash.
  private static let patience = Span.seconds(15)

  private let options: SimulationOptions
  private let scenario: Scenario
  private let connect: Connector
  private let ticker: Ticker
  private let stopped = Flag()

  /// - Throws: where an option makes no sense.
  public init(_ options: SimulationOptions, connect: @escaping Connector) throws(SimulationError) {
    try self.init(options, connect: connect, ticker: .system)
  }

  init(_ options: SimulationOptions, connect: @escaping Connector, ticker: Ticker) throws(SimulationError) {
    self.options = options
    self.connect = connect
    self.ticker = ticker
    scenario = try options.scaledScenario()
  }

  /// Ends `run()` within a tenth of a second, apart from waiting for acknowledgements.
  public func stop() { stopped.isSet.store(true, ordering: .relaxed) }

  /// Publishes until the duration is over or `stop()` is called.
  ///
  /// - Throws: `SimulationError`, or what the connector throws.
  public func run() throws -> SimulationReport {
    let recorder = try options.recordPath.map { path throws(SimulationError) in try Recorder(path: path) }
    let acknowledgements = Acknowledgements(recorder: recorder)
    let publisher = try connect(options.brokerURL) { acknowledgements.add($0) }
    defer { publisher.close() }
    let start = Timestamp(milliseconds: ticker.wall().milliseconds)
    recorder?.header(seed: options.seed, start: start, rate: options.rate, scenario: scenario)
    var round = PublishingRound(
      district: District(seed: options.seed, scenario: scenario, start: start, rate: options.rate),
      options: options, publisher: publisher, recorder: recorder, acknowledgements: acknowledgements, ticker: ticker)
    let flag = stopped
    do {
      try round.run { flag.isSet.load(ordering: .relaxed) }
    } catch {
      // The first error says why; the record keeps what there was all the same.
      try? recorder?.flush()
      throw error
    }
    _ = publisher.flush(within: Simulation.patience)
    try recorder?.flush()
    return round.report
  }
}

/// Counts what the broker acknowledges, and writes it down.
final class Acknowledgements: Sendable {
  private let counter = Atomic<UInt64>(0)
  private let recorder: Recorder?

  init(recorder: Recorder?) { self.recorder = recorder }

  var count: UInt64 { counter.load(ordering: .relaxed) }

  func add(_ token: UInt64) {
    recorder?.acknowledged(token)
    counter.wrappingAdd(1, ordering: .relaxed)
  }
}
