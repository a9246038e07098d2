import Glibc
import Journal
import Telemetry
import Testing

@Suite("Clocks")
struct ClockReadingTests {
  @Test("two readings are of one boot, and the boot's clock does not go back")
  func now() {
    let first = ClockReading.now()
    let second = ClockReading.now()
    #expect(first.boot == second.boot)
    #expect(first.boot.utf8.count == 36)
    #expect(first.sinceBoot <= second.sinceBoot)
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    #expect(abs(first.wall.nanoseconds / 1_000_000_000 - Int64(time.tv_sec)) < 60)
  }
}
