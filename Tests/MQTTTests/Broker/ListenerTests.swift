import Glibc
import Testing

@testable import MQTT

@Suite(
  "Against a real broker: the listener", .serialized,
  .enabled(if: TestBroker.isInstalled, "needs mosquitto"))
struct ListenerTests {
  /// What was heard, in its order: topic, payload's size, whether it was retained.
  private final class Heard {
    var all: [(topic: String, bytes: Int, retained: Bool)] = []
    func count(_ topic: String) -> Int { all.count { $0.topic == topic } }
  }

  private func listener(
    _ broker: TestBroker, _ heard: Heard = Heard(), change: (inout ListenerConfiguration) -> Void = { _ in }
  ) -> Listener {
    var configuration = ListenerConfiguration(address: broker.address, clientID: "listener", filters: ["#"])
    change(&configuration)
    return Listener(configuration: configuration) { message in
      heard.all.append((String(decoding: message.topic, as: UTF8.self), message.payload.count, message.retained))
    }
  }

  private func listen(_ listener: Listener, until isSo: () -> Bool) throws {
    let end = Monotonic.now() + 30_000_000_000
    while !isSo() {
      guard Monotonic.now() < end else { throw TestFailure("not heard within 30 s") }
      try listener.listen(for: 20)
    }
  }

  private static let passwords = "/usr/bin/mosquitto_passwd"

  @Test(
    "a wrong password is refused and says what helps; the right one is let in",
    .enabled(if: access(passwords, X_OK) == 0, "needs mosquitto_passwd"))
  func wrongPassword() throws {
    let file = "/tmp/mqtt-tests-passwords-\(getpid())"
    defer { unlink(file) }
    try #require(runToEnd(ListenerTests.passwords, ["-b", "-c", file, "lumbung", "benar"]))
    let broker = try TestBroker(settings: ["allow_anonymous false", "password_file \(file)"])
    for password in ["salah", nil] {
      let refused = listener(broker) {
        $0.username = "lumbung"
        $0.password = { password }
      }
      let error = #expect(throws: MQTTError.self) { try refused.connect(within: 10_000) }
      #expect(error?.kind == .refused)
      #expect(error?.cure.contains("password_file") == true)
      #expect(!refused.isConnected)
      #expect(throws: MQTTError.self) { try refused.listen(for: 1) }
    }
    let welcome = listener(broker) {
      $0.username = "lumbung"
      $0.password = { "benar" }
    }
    try welcome.connect(within: 10_000)
    #expect(welcome.isConnected)
    welcome.close()
    #expect(!welcome.isConnected)
  }

  @Test("a password that can't be read is told, and nobody is asked for admission")
  func unreadablePassword() throws {
    let broker = try TestBroker()
    let listener = listener(broker) { $0.password = { throw TestFailure("no such file") } }
    let error = #expect(throws: MQTTError.self) { try listener.connect(within: 10_000) }
    #expect(error?.kind == .configuration)
  }

  @Test("a broker that goes is an error, not an end: the next connection hears on")
  func brokerGone() throws {
    let broker = try TestBroker()
    let heard = Heard()
    let listener = listener(broker, heard)
    try listener.connect(within: 10_000)
    try publish(["1"], to: broker.port, topic: "a/b")
    try listen(listener) { heard.count("a/b") == 1 }
    broker.kill()
    let error = #expect(throws: MQTTError.self) { try listen(listener) { false } }
    #expect(error?.kind == .closed)
    #expect(!listener.isConnected)
    let gone = #expect(throws: MQTTError.self) { try listener.connect(within: 200) }
    #expect(gone?.kind == .unreachable)
    try broker.start()
    try listener.connect(within: 10_000)
    try publish(["2"], to: broker.port, topic: "a/b")
    try listen(listener) { heard.count("a/b") == 2 }
    listener.close()
  }

  @Test("a huge payload is heard whole, and what comes behind it as well; nothing retained is taken for news")
  func hugePayload() throws {
    let broker = try TestBroker()
    let publisher = Publisher(configuration: PublisherConfiguration(address: broker.address, clientID: "p"))
    try publisher.connect(within: 10_000)
    let size = 16 << 20
    try publisher.publish(topic: "huge/kept", payload: [UInt8](repeating: 0xff, count: size), retain: true)
    #expect(publisher.flush(within: 30_000))
    let heard = Heard()
    let listener = listener(broker, heard)
    try listener.connect(within: 10_000)
    try publisher.publish(topic: "huge/live", payload: [UInt8](repeating: 0x20, count: size))
    try publisher.publish(topic: "small", payload: [1])
    #expect(publisher.flush(within: 30_000))
    publisher.close()
    try listen(listener) { heard.count("small") == 1 }
    listener.close()
    let huge = heard.all.filter { $0.topic.hasPrefix("huge/") }
    #expect(huge.map(\.topic) == ["huge/kept", "huge/live"])
    #expect(huge.allSatisfy { $0.bytes == size })
    #expect(huge.map(\.retained) == [true, false])
  }
}
