import Glibc
import Synchronization

/// A named place where a fault test may end this process, as a kill or a power cut would: see docs/faults.md.
///
/// `LUMBUNG_FAILPOINT=NAME:COUNT[:MICROSECONDS]`, read once, ends the process at the COUNT-th time that it comes to
/// NAME, or that much later while the work goes on. Without it, a place costs one branch. Safe from any thread.
public enum Failpoint {
  /// What `LUMBUNG_FAILPOINT` says.
  struct Setting: Equatable, Sendable {
    var name: String
    var count: Int
    var microseconds: Int

    init?(_ text: String) {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2 || parts.count == 3, !parts[0].isEmpty, let count = Int(parts[1]), count > 0 else {
        return nil
      }
      name = String(parts[0])
      self.count = count
      guard parts.count == 3 else {
        microseconds = 0
        return
      }
      guard let delay = Int(parts[2]), (0..<10_000_000).contains(delay) else { return nil }
      microseconds = delay
    }
  }

  private static let setting = getenv("LUMBUNG_FAILPOINT").flatMap { Setting(String(cString: $0)) }
  private static let hits = Atomic(0)

  /// Does nothing unless a test has chosen this place.
  public static func hit(_ name: StaticString) {
    guard let setting else { return }
    end(at: name, setting)
  }

  private static func end(at name: StaticString, _ setting: Setting) {
    guard name.description == setting.name,
      hits.add(1, ordering: .relaxed).newValue == setting.count
    else { return }
    if setting.microseconds == 0 {
      // SIGKILL can't be caught: nothing is flushed, closed or said.
      kill(getpid(), SIGKILL)
      while true { pause() }
    }
    // SIGALRM, which nobody here handles, ends the process just as abruptly, and needs no thread to wait for it.
    var timer = itimerval()
    timer.it_value.tv_sec = setting.microseconds / 1_000_000
    timer.it_value.tv_usec = setting.microseconds % 1_000_000
    setitimer(Int32(ITIMER_REAL.rawValue), &timer, nil)
  }
}
