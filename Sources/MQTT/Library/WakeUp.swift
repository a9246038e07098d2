import Glibc

/// Wakes a thread that waits in `poll`. May be signalled from any thread.
///
/// A pair of sockets, since Swift's Glibc doesn't show eventfd. Where the system has no descriptors left there is
/// none, and who waits notices at the next tick of its own.
final class WakeUp: Sendable {
  /// To be polled for reading; negative, which `poll` ignores, where there is none.
  let descriptor: Int32
  private let signalEnd: Int32

  init() {
    var ends: (Int32, Int32) = (-1, -1)
    let made = withUnsafeMutablePointer(to: &ends) { pair in
      pair.withMemoryRebound(to: Int32.self, capacity: 2) {
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, $0)
      }
    }
    (descriptor, signalEnd) = made == 0 ? ends : (-1, -1)
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    close(signalEnd)
  }

  func signal() {
    var byte: UInt8 = 1
    // A full buffer is a signal that hasn't been seen yet.
    _ = write(signalEnd, &byte, 1)
  }

  func clear() {
    var bytes: (UInt64, UInt64) = (0, 0)
    while read(descriptor, &bytes, 16) == 16 {}
  }

  /// Waits until it was signalled; false where `milliseconds` passed first.
  func wait(milliseconds: Int) -> Bool {
    let deadline = Monotonic.now() + Int64(milliseconds) * 1_000_000
    while true {
      let left = max(0, (deadline - Monotonic.now() + 999_999) / 1_000_000)
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&entry, 1, Int32(clamping: left))
      if ready > 0 { return true }
      if left == 0 { return false }
    }
  }
}
