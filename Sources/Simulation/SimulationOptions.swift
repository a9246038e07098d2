import Telemetry

/// What to simulate, and where to.
public struct SimulationOptions: Sendable {
  /// `mqtt://HOST[:PORT]`, or `mqtts://` for TLS.
  public var brokerURL: String
  public var scenario: Scenario
  /// Scales the scenario to so many devices; `nil` leaves it.
  public var devices: Int?
  /// Messages a second of the whole district, about: what devices say of themselves comes on top, silences take away.
  /// `nil` keeps the scenario's intervals. Where the machine or the broker can't keep up, messages come late, and all
  /// of them come.
  public var rate: Double?
  /// How long to publish; `nil` until `stop()`.
  public var duration: Span?
  /// The same seed gives the same district and the same course of events.
  public var seed: UInt64
  /// A file, overwritten, that tells what was published; see `Recorder`.
  public var recordPath: String?
  /// Called each second on the thread of `run()`.
  public var progress: (@Sendable (SimulationProgress) -> Void)?

  public init(
    brokerURL: String = "mqtt://127.0.0.1:1883", scenario: Scenario = Scenario(), devices: Int? = nil,
    rate: Double? = nil, duration: Span? = nil, seed: UInt64 = 1, recordPath: String? = nil,
    progress: (@Sendable (SimulationProgress) -> Void)? = nil
  ) {
    self.brokerURL = brokerURL
    self.scenario = scenario
    self.devices = devices
    self.rate = rate
    self.duration = duration
    self.seed = seed
    self.recordPath = recordPath
    self.progress = progress
  }

  /// The scenario with as many devices as asked for.
  func scaledScenario() throws(SimulationError) -> Scenario {
    if let rate, !(rate.isFinite && rate > 0 && rate <= 1_000_000) {
      throw .option("a rate of \(rate) messages a second: it must be above 0 and at most 1000000")
    }
    guard let devices else { return scenario }
    guard (1...1_000_000).contains(devices) else {
      throw .option("\(devices) devices: it must be 1 to 1000000")
    }
    return scenario.scaled(to: devices)
  }
}
