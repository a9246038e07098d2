import Glibc
import Telemetry

/// The wall clock, for stamping messages: a call of its own, without the other clocks, since each message pays for it.
enum WallClock {
  static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }
}
