import FoundationEssentials
import Telemetry

enum WallClock {
  static func now() -> Timestamp {
    Timestamp(seconds: Date().timeIntervalSince1970) ?? Timestamp(nanoseconds: 0)
  }
}
