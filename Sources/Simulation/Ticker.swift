import Glibc
import Telemetry

/// The clocks that a simulation goes by; tests bring their own and need not wait.
struct Ticker: Sendable {
  /// Nanoseconds of a clock that never steps.
  var now: @Sendable () -> Int64
  /// The time of day.
  var wall: @Sendable () -> Timestamp

  static let system = Ticker(
    now: { read(CLOCK_MONOTONIC) }, wall: { Timestamp(nanoseconds: read(CLOCK_REALTIME)) })

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
