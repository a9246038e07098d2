import Glibc
import Telemetry

/// The clocks at one moment.
public struct ClockReading: Sendable, Equatable {
  public var wall: Timestamp
  /// The running boot's id, as the kernel makes it anew at each start (`/proc/sys/kernel/random/boot_id`).
  public var boot: String
  /// Time since the boot, suspended time included (CLOCK_BOOTTIME). It only ever goes forward within one boot.
  public var sinceBoot: Span
  /// Whether the wall clock is synchronised: by the kernel's word (`adjtimex`), or, where a sandbox forbids that
  /// question with those that set the clock, by systemd-timesyncd's.
  public var synchronised: Bool

  public init(wall: Timestamp, boot: String, sinceBoot: Span, synchronised: Bool) {
    self.wall = wall
    self.boot = boot
    self.sinceBoot = sinceBoot
    self.synchronised = synchronised
  }

  public static func now() -> ClockReading {
    ClockReading(
      wall: Timestamp(nanoseconds: nanoseconds(CLOCK_REALTIME)), boot: currentBoot,
      sinceBoot: Span(nanoseconds: nanoseconds(CLOCK_BOOTTIME)), synchronised: kernelCallsClockSynchronised())
  }

  private static func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Empty where the kernel doesn't tell: then no two readings are of the same boot for certain.
  private static let currentBoot: String = {
    guard let bytes = FileSystem.contents(of: "/proc/sys/kernel/random/boot_id", limit: 64) else { return "" }
    return String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
  }()
}

/// Reads the state of the kernel's clock. Swift's Glibc leaves `<sys/timex.h>` out; only the return value is looked
/// at, so that the structure need only be large enough and zero (`modes` 0 sets nothing).
@_silgen_name("adjtimex")
private func adjtimex(_ timex: UnsafeMutableRawPointer) -> CInt

/// Made by systemd-timesyncd once it has set the clock in this boot.
private let synchronisedFile = "/run/systemd/timesync/synchronized"

private func kernelCallsClockSynchronised() -> Bool {
  let clockError: CInt = 5  // TIME_ERROR: never set, or STA_UNSYNC
  // 208 bytes on 64-bit Linux.
  return withUnsafeTemporaryAllocation(byteCount: 512, alignment: 16) { timex in
    timex.initializeMemory(as: UInt8.self, repeating: 0)
    guard let address = timex.baseAddress else { return false }
    let state = adjtimex(address)
    if state < 0, errno == EPERM || errno == ENOSYS { return access(synchronisedFile, F_OK) == 0 }
    return state >= 0 && state != clockError
  }
}
