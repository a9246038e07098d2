import Telemetry

/// Times counted from the Unix epoch.
enum EpochTime {
  static func time(_ count: Int64, _ unit: TimeMapping.Unit) -> Timestamp? {
    let (nanoseconds, overflow) = count.multipliedReportingOverflow(by: nanoseconds(unit))
    return overflow ? nil : Timestamp(nanoseconds: nanoseconds)
  }

  /// To the microsecond: a double holds no more of a present time in seconds.
  static func time(_ count: Double, _ unit: TimeMapping.Unit) -> Timestamp? {
    Timestamp(seconds: count / (1e9 / Double(nanoseconds(unit))))
  }

  /// A count whose unit nobody says: what puts it between 1973 and 5138.
  static func guessed(_ count: Int64) -> Timestamp? {
    switch count.magnitude {
    case ..<100_000_000_000: time(count, .seconds)
    case ..<100_000_000_000_000: time(count, .milliseconds)
    case ..<100_000_000_000_000_000: time(count, .microseconds)
    default: time(count, .nanoseconds)
    }
  }

  private static func nanoseconds(_ unit: TimeMapping.Unit) -> Int64 {
    switch unit {
    case .seconds, .iso: 1_000_000_000
    case .milliseconds: 1_000_000
    case .microseconds: 1000
    case .nanoseconds: 1
    }
  }
}
