import Glibc
import Logging
import Synchronization
import Telemetry
import Testing

@testable import Systemd

@Suite("Where a service's log goes")
struct ServiceLogTests {
  private final class Lines: Sendable {
    let all = Mutex<[String]>([])
    func add(_ bytes: [UInt8]) { all.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) } }
    var texts: [String] { all.withLock(\.self) }
  }

  private func log(_ lines: Lines, _ level: Logger.Level = .info, rate: LogRate = LogRate()) -> ServiceLog {
    ServiceLog(identifier: "lumbung", level: level, journal: nil, rate: rate) { lines.add($0) }
  }

  @Test("a line has its time, its level and its fields, and ends where it ends")
  func line() {
    let lines = Lines()
    var logger = log(lines).logger()
    logger[metadataKey: "uplink"] = "central"
    logger.warning("can't be reached")
    #expect(lines.texts.count == 1)
    #expect(lines.texts[0].hasSuffix("Z warning lumbung: uplink=central can't be reached\n"))
  }

  @Test("a text from outside can't begin a line of its own, and is bounded")
  func hostile() {
    let lines = Lines()
    log(lines).logger().info("topic a\n2026-11-22T00:00:00Z critical lumbung: forged\u{1b}[2J")
    log(lines).logger().info("\(String(repeating: "x", count: 1 << 20))")
    #expect(lines.texts.allSatisfy { $0.split(separator: "\n").count == 1 })
    #expect(!lines.texts[0].contains("\u{1b}"))
    #expect(lines.texts[1].utf8.count < 5000)
  }

  @Test("all loggers share one level, which can be changed")
  func level() {
    let lines = Lines()
    let log = log(lines)
    let (one, other) = (log.logger(), log.logger())
    one.debug("unseen")
    log.level = .debug
    other.debug("seen")
    #expect(lines.texts.count == 1)
    log.level = .error
    one.warning("unseen")
    #expect(lines.texts.count == 1)
  }

  @Test("a flood is cut, and the count of what was left out is told")
  func flood() {
    let lines = Lines()
    let log = log(lines, rate: LogRate(burst: 2, interval: .hours(1)))
    for number in 0..<50 { log.logger().info("line \(number)") }
    #expect(lines.texts.count == 2)
  }

  @Test("the journal is spoken to only where standard error leads there")
  func elsewhere() {
    #expect(JournalSocket(stream: nil) == nil)
    #expect(JournalSocket(stream: "1:2") == nil)
    #expect(JournalSocket(stream: "") == nil)
  }

  @Test("entries reach the journal's socket with priority and fields")
  func journal() throws {
    let path = "/tmp/lumbung-journal-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let listener = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer {
      close(listener)
      unlink(path)
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(code == 0)
    // Standard error of this test stands for what systemd connects.
    var figures = stat()
    #expect(fstat(STDERR_FILENO, &figures) == 0)
    let socket = try #require(JournalSocket(stream: "\(figures.st_dev):\(figures.st_ino)", path: path))
    let lines = Lines()
    let log = ServiceLog(identifier: "lumbung", level: .info, journal: socket) { lines.add($0) }
    var logger = log.logger()
    logger[metadataKey: "gateway.id"] = "oki-01"
    logger.error("the disk is full")
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = recv(listener, &buffer, buffer.count, Int32(truncatingIfNeeded: MSG_DONTWAIT))
    #expect(
      String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        == "PRIORITY=3\nSYSLOG_IDENTIFIER=lumbung\nMESSAGE=the disk is full\nLUMBUNG_GATEWAY_ID=oki-01\n")
    #expect(lines.texts.isEmpty)
  }

  @Test("a value of several lines goes with its length, so that it can't add fields")
  func severalLines() {
    let entry = JournalEntry(identifier: "l", priority: 6, message: "a\nPRIORITY=0")
    let expected =
      Array("PRIORITY=6\nSYSLOG_IDENTIFIER=l\nMESSAGE\n".utf8) + [12, 0, 0, 0, 0, 0, 0, 0]
      + Array("a\nPRIORITY=0\n".utf8)
    #expect(entry.bytes == expected)
  }
}
