/// One reading: what decoding yields.
public struct Observation: Sendable {
  public enum Value: Sendable, Equatable {
    /// Gauges and counters; always finite.
    case number(Double)
    case state(String)
    /// How many times it happened (1 unless the payload counts).
    case event(count: Double, attributes: [Series.Label])
  }

  public enum TimeSource: String, Sendable {
    /// The device said when.
    case payload
    /// The device did not say, or not plausibly: the time at which the gateway received it.
    case received
  }

  public let series: Series
  public let value: Value
  public let time: Timestamp
  public let timeSource: TimeSource

  public init(series: Series, value: Value, time: Timestamp, timeSource: TimeSource) {
    self.series = series
    self.value = value
    self.time = time
    self.timeSource = timeSource
  }
}
