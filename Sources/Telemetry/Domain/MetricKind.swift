/// How readings of a metric add up.
public enum MetricKind: String, Sendable, CaseIterable {
  /// A level: a temperature.
  case gauge
  /// A running total that only grows, until it is reset: bytes sent.
  case counter
  /// One of a set of words: `online`.
  case state
  /// Something that happened, counted.
  case event
}
