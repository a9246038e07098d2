import Telemetry
import Threads

/// The clocks that the loop reads, in the library's plain numbers.
enum Monotonic {
  /// Nanoseconds on the monotonic clock.
  static func now() -> Int64 { SystemClock.monotonic.nanoseconds }

  /// Seconds since 1970, as the wall clock has it: only ever shown.
  static func wallSeconds() -> Int64 { SystemClock.wall.milliseconds / 1000 }
}
