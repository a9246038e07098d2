import Glibc
import Testing

@testable import MQTT

/// Counts what comes.
private final class Counter: ClientDelegate {
  var isAccepted = false
  var isSubscribed = false
  var received = 0
  var bytes = 0

  func client(accepted reason: Int32, sessionPresent: Bool) { isAccepted = reason == 0 }
  func client(disconnected reason: Int32) {}
  func client(received message: borrowing IncomingMessage) {
    received += 1
    bytes += message.payload.count
  }
  func client(subscribed messageID: Int32, codes: UnsafeBufferPointer<Int32>) { isSubscribed = true }
  func client(unsubscribed messageID: Int32) {}
  func client(published messageID: Int32, reason: Int32) {}
}

@Suite(
  "Against a real broker: system calls", .serialized, .enabled(if: TestBroker.isInstalled, "needs mosquitto"))
struct JoinedCallsTests {
  private static let messages = 1000

  /// Of this thread, for reading and writing, per message.
  private func calls(isBuffered: Bool) throws -> (perMessage: Double, joined: Int) {
    let broker = try TestBroker()
    let counter = Counter()
    let client = try Client(
      address: broker.address, clientID: "counts", cleanStart: true, caFile: nil, certFile: nil, keyFile: nil,
      isBuffered: isBuffered, delegate: counter)
    try client.connect(
      Client.Connect(
        version: .v5, keepalive: 60, username: nil, password: nil, receiveMaximum: 65_535, sessionExpiry: nil,
        maximumPacket: nil))
    func turn() {
      usleep(1000)
      let before = counter.received
      var last = before - 1
      while last != counter.received {
        last = counter.received
        #expect(client.read() == 0)
      }
      if client.wantsWrite { #expect(client.write() == 0) }
    }
    try eventually("the broker accepts") {
      turn()
      return counter.isAccepted
    }
    client.accepted()
    #expect(client.subscribe(["t/#"], qos: 1, options: 0) != nil)
    try eventually("it is subscribed") {
      turn()
      return counter.isSubscribed
    }
    let joined = client.joinedCalls
    try publish((0..<JoinedCallsTests.messages).map { "message \($0)" }, to: broker.port)
    // The publisher's own were this thread's, too.
    let before = try systemCalls()
    try eventually("all have come") {
      turn()
      return counter.received == JoinedCallsTests.messages
    }
    let taken = try systemCalls() - before
    let left = client.joinedCalls - joined
    client.leave(until: Monotonic.now() + 5_000_000_000)
    return (Double(taken) / Double(JoinedCallsTests.messages), left)
  }

  /// `read` and `write` that reached the kernel, on this thread.
  private func systemCalls() throws -> Int {
    let descriptor = open("/proc/thread-self/io", O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &bytes, bytes.count)
    try #require(count > 0)
    let lines = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n")
    return lines.filter { $0.hasPrefix("syscr") || $0.hasPrefix("syscw") }
      .compactMap { Int($0.split(separator: " ").last ?? "") }.reduce(0, +)
  }

  @Test("a thousand messages cost next to no calls of the library's own, where they are joined")
  func joined() throws {
    let (perMessage, joined) = try calls(isBuffered: true)
    #expect(perMessage < 0.1)
    #expect(joined > 0 && joined < JoinedCallsTests.messages / 2)
  }

  @Test("where they are not, each costs several: what is counted is what is meant")
  func control() throws {
    let (perMessage, joined) = try calls(isBuffered: false)
    #expect(perMessage > 3)
    #expect(joined == 0)
  }
}
