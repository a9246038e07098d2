import Telemetry

/// What a service tells systemd, one assignment a line: see sd_notify(3).
public struct NotifyMessage: Sendable, Equatable {
  public private(set) var lines: [String]

  public init(_ lines: [String] = []) { self.lines = lines }

  /// The service does what it is there for.
  public static let ready = NotifyMessage(["READY=1"])
  /// It is ending in order.
  public static let stopping = NotifyMessage(["STOPPING=1"])
  /// It is alive: what `WatchdogSec=` waits for.
  public static let watchdog = NotifyMessage(["WATCHDOG=1"])

  /// The configuration is being read again; `ready` ends it.
  ///
  /// - Parameter now: CLOCK_MONOTONIC; systemd orders reloads by it.
  public static func reloading(at now: Span) -> NotifyMessage {
    NotifyMessage(["RELOADING=1", "MONOTONIC_USEC=\(now.nanoseconds / 1000)"])
  }

  /// A line for people, shown by `systemctl status`.
  public static func status(_ text: String) -> NotifyMessage {
    // What a device or a server has said may be part of it: one line, and not a long one.
    let printable = text.unicodeScalars.prefix(statusLimit).map { $0.value < 0x20 || $0.value == 0x7f ? " " : $0 }
    return NotifyMessage(["STATUS=" + String(String.UnicodeScalarView(printable))])
  }

  public static func + (a: NotifyMessage, b: NotifyMessage) -> NotifyMessage { NotifyMessage(a.lines + b.lines) }

  /// What fits beside the other columns of `systemctl status`, and far below a datagram's limit.
  private static let statusLimit = 300

  var bytes: [UInt8] { Array((lines.joined(separator: "\n") + "\n").utf8) }
}
