import Glibc

/// Wakes a thread that waits in `poll`. May be signalled from any thread.
final class WakeUp: Sendable {
  /// To be polled for reading.
  let descriptor: Int32
  private let signalEnd: Int32

  init() throws(MQTTError) {
    var ends: (Int32, Int32) = (-1, -1)
    let made = withUnsafeMutablePointer(to: &ends) { pair in
      pair.withMemoryRebound(to: Int32.self, capacity: 2) {
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, $0)
      }
    }
    guard made == 0 else {
      throw MQTTError(
        kind: .system, operation: "opening a pair of sockets", reason: String(cString: strerror(errno)),
        cure: "raise the limit of open files (LimitNOFILE)")
    }
    (descriptor, signalEnd) = ends
  }

  deinit {
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
