import Telemetry

/// Where one rule stands for one series, or for one silent device.
public struct AlarmInstance: Sendable, Equatable {
  public enum Phase: Sendable, Equatable {
    case clear
    /// The condition holds, not yet long enough. `since` is in the readings' time, `received` in the gateway's.
    case pending(since: Timestamp, received: Timestamp, value: Double)
    case raised(id: String, at: Timestamp)
  }

  public var phase: Phase
  /// The segment whose readings made it so. After a restart, what comes from it and those before is not judged again.
  public var segment: Int64

  public init(phase: Phase = .clear, segment: Int64 = 0) {
    self.phase = phase
    self.segment = segment
  }
}

/// An instance with what it is about, as it is written down and taken up again.
public struct AlarmSnapshot: Sendable {
  public var rule: String
  public var device: Device
  /// `nil` for silence.
  public var series: Series?
  public var state: AlarmInstance
  /// As it was raised, where it is raised.
  public var record: AlarmRecord?

  public init(rule: String, device: Device, series: Series?, state: AlarmInstance, record: AlarmRecord? = nil) {
    self.rule = rule
    self.device = device
    self.series = series
    self.state = state
    self.record = record
  }
}
