import Glibc

/// The clocks that the loop reads.
enum Monotonic {
  /// Nanoseconds on the monotonic clock.
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Seconds since 1970, as the wall clock has it: only ever shown.
  static func wallSeconds() -> Int64 { Int64(time(nil)) }
}
