import Glibc
import Telemetry

/// Speaks to systemd over the socket that `NOTIFY_SOCKET` names. Without one it does nothing, so that the same program
/// runs by hand. Safe from any thread; it never blocks.
public final class Notifier: Sendable {
  private let descriptor: Int32
  private let address: [UInt8]
  /// How often `NotifyMessage.watchdog` is waited for; `nil` where nobody waits.
  public let watchdogInterval: Span?

  /// - Parameter environment: `NOTIFY_SOCKET` (a path, or `@` and a name of the abstract namespace), `WATCHDOG_USEC` and
  ///   `WATCHDOG_PID` are looked at. A socket that can't be spoken to counts as none: the service itself matters more.
  public init(environment: (String) -> String? = Notifier.variable) {
    watchdogInterval = Notifier.interval(environment)
    guard let path = environment("NOTIFY_SOCKET"), let first = path.utf8.first,
      first == UInt8(ascii: "/") || first == UInt8(ascii: "@"),
      path.utf8.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path)
    else {
      descriptor = -1
      address = []
      return
    }
    var name = Array(path.utf8)
    // A leading zero is how the kernel knows the abstract namespace.
    if first == UInt8(ascii: "@") { name[0] = 0 }
    address = name
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Whether there is somebody to speak to.
  public var isConnected: Bool { descriptor >= 0 }

  /// Returns whether it was handed over. Where systemd is too busy to take it, it is lost: the next one will do.
  @discardableResult
  public func send(_ message: NotifyMessage) -> Bool {
    guard descriptor >= 0 else { return false }
    var socket = sockaddr_un()
    socket.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &socket.sun_path) { $0.copyBytes(from: address) }
    let length = socklen_t(MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2) + socklen_t(address.count)
    let bytes = message.bytes
    let sent = withUnsafePointer(to: &socket) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
      }
    }
    return sent == bytes.count
  }

  /// An environment variable of this process.
  public static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  private static func interval(_ environment: (String) -> String?) -> Span? {
    guard let text = environment("WATCHDOG_USEC"), let microseconds = Int64(text), microseconds > 0,
      microseconds <= Int64.max / 1000
    else { return nil }
    // Inherited by a child of the service, it is meant for the parent.
    if let pid = environment("WATCHDOG_PID"), pid != "\(getpid())" { return nil }
    return Span(nanoseconds: microseconds * 1000)
  }
}
