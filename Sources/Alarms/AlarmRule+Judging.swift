import Telemetry

extension AlarmRule.Condition {
  /// Whether a reading is one to raise the alarm, and whether it is one to clear it; `nil` where readings say nothing.
  func judges(_ value: Double) -> (violates: Bool, clears: Bool)? {
    switch self {
    case .below(let limit, let clear): (value < limit, clear == limit ? value >= clear : value > clear)
    case .above(let limit, let clear): (value > limit, clear == limit ? value <= clear : value < clear)
    case .missing: nil
    }
  }
}
