import Glibc
import Telemetry
import Testing

@testable import Systemd

@Suite("What is told to systemd")
struct NotifierTests {
  /// A socket as systemd holds it, in the abstract namespace so that no file is left behind.
  private final class Listener {
    let name: String
    private let descriptor: Int32

    init() {
      name = "lumbung-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
      descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      let bytes = [0] + Array(name.utf8)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
      let length = socklen_t(2 + bytes.count)
      let code = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
      }
      precondition(code == 0)
    }

    deinit { close(descriptor) }

    func receive() -> String {
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = recv(descriptor, &buffer, buffer.count, 0)
      return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
  }

  @Test("a message arrives as assignments, a line each")
  func arrives() {
    let listener = Listener()
    let notifier = Notifier { $0 == "NOTIFY_SOCKET" ? "@\(listener.name)" : nil }
    #expect(notifier.send(.ready + .status("reading from mqtt://127.0.0.1")))
    #expect(listener.receive() == "READY=1\nSTATUS=reading from mqtt://127.0.0.1\n")
    #expect(notifier.send(.reloading(at: .seconds(3))))
    #expect(listener.receive() == "RELOADING=1\nMONOTONIC_USEC=3000000\n")
  }

  @Test("a status is one line and bounded, whatever is in it")
  func status() {
    let message = NotifyMessage.status("one\ntwo\u{1b}[31m" + String(repeating: "x", count: 9000))
    #expect(message.lines.count == 1)
    #expect(message.lines[0].hasPrefix("STATUS=one two [31mxx"))
    #expect(message.lines[0].utf8.count <= 307)
  }

  @Test(
    "without a socket, or with one that can't be, nothing is told and nothing fails",
    arguments: [nil, "", "relative", "@" + String(repeating: "n", count: 200)])
  func without(path: String?) {
    let notifier = Notifier { $0 == "NOTIFY_SOCKET" ? path : nil }
    #expect(!notifier.isConnected)
    #expect(!notifier.send(.ready))
  }

  @Test("a socket that nobody holds swallows the message")
  func gone() {
    let notifier = Notifier { $0 == "NOTIFY_SOCKET" ? "@lumbung-nobody-\(getpid())" : nil }
    #expect(!notifier.send(.watchdog))
  }

  @Test("the watchdog's interval is taken only where it is meant for this process")
  func interval() {
    func interval(_ variables: [String: String]) -> Span? { Notifier { variables[$0] }.watchdogInterval }
    #expect(interval(["WATCHDOG_USEC": "60000000"]) == .seconds(60))
    #expect(interval(["WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "\(getpid())"]) == .seconds(60))
    #expect(interval(["WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"]) == nil)
    for wrong in ["", "0", "-5", "soon", "99999999999999999999"] {
      #expect(interval(["WATCHDOG_USEC": wrong]) == nil)
    }
  }
}
