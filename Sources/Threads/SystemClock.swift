import Glibc
import Telemetry

/// The system's clocks.
public enum SystemClock {
  /// Since some moment before the process began; it never leaps. For timers.
  public static var monotonic: Span { Span(nanoseconds: nanoseconds(CLOCK_MONOTONIC)) }

  /// What the box takes for the time. It leaps, and may be years off.
  public static var wall: Timestamp { Timestamp(nanoseconds: nanoseconds(CLOCK_REALTIME)) }

  private static func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
