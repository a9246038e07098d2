import Glibc
import MQTT
import Synchronization
import Telemetry
import Threads

@testable import Outbox

/// A broker of our own on a free port, and a subscriber that keeps what was published to it.
final class Mosquitto: Sendable {
  private static let places = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/usr/bin/mosquitto"]
  private static let executable = places.first { access($0, X_OK) == 0 }
  static var isInstalled: Bool { executable != nil }

  struct Seen: Sendable {
    /// Every batch by its idempotency key would be the same each time: topic and first line of it.
    var records: [String: [Int64: String]] = [:]
    var contradictions = 0
    var order: [String] = []
  }

  let port: Int
  private let process: Mutex<pid_t>
  private let seen = Mutex(Seen())
  private let ended = Atomic(false)
  private let outgoing = Mutex<[(topic: String, text: String)]>([])

  /// Above those of the MQTT tests, below those that the system gives to others; each once only.
  private static let nextPort = Atomic<Int>(.random(in: 0..<6000))

  /// - Parameter more: lines of the configuration.
  init(more: [String] = []) throws {
    var pid: pid_t = 0
    var port = 0
    for _ in 0..<50 {
      port = 26_000 + Mosquitto.nextPort.add(1, ordering: .relaxed).oldValue % 6000
      let configuration = "/tmp/lumbung-mosquitto-\(getpid())-\(port).conf"
      let user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "root"
      let lines =
        ["listener \(port) 127.0.0.1", "allow_anonymous true", "user \(user)", "max_queued_messages 0"] + more
      guard let file = fopen(configuration, "w") else { continue }
      fputs(lines.joined(separator: "\n") + "\n", file)
      fclose(file)
      defer { unlink(configuration) }
      pid = try Mosquitto.spawn(["-c", configuration])
      if Mosquitto.listens(port, pid) { break }
      pid = 0
    }
    self.port = port
    process = Mutex(pid)
  }

  var url: String { "mqtt://127.0.0.1:\(port)" }
  var content: Seen { seen.withLock { $0 } }

  /// Ends it as a power cut would; the subscriber ends behind it. Every test calls it.
  func kill() {
    process.withLock { pid in
      guard pid > 0 else { return }
      _ = Glibc.kill(pid, SIGKILL)
      var status: Int32 = 0
      waitpid(pid, &status, 0)
      pid = 0
    }
    ended.store(true, ordering: .relaxed)
  }

  /// It keeps its connections and does nothing any more.
  func freeze() { process.withLock { _ = Glibc.kill($0, SIGSTOP) } }
  func thaw() { process.withLock { _ = Glibc.kill($0, SIGCONT) } }

  func publish(_ topic: String, _ text: String) { outgoing.withLock { $0.append((topic, text)) } }

  /// Listens from now on, on a thread of its own.
  func subscribe() throws {
    var configuration = PublisherConfiguration(
      address: BrokerAddress(host: "127.0.0.1", port: port), clientID: "receiver-\(port)")
    configuration.listensTo = ["lumbung/v1/#"]
    let configured = configuration
    let ready = Bell()
    _ = try BlockingThread("subscriber") { [self] in
      let subscriber = Publisher(configuration: configured, onMessage: { [self] in note($0, $1) })
      try? subscriber.connect(within: 10_000)
      // The subscription was written right behind the connection's start; a turn later the broker knows it.
      subscriber.pump(for: 300)
      ready.ring()
      while !ended.load(ordering: .relaxed) {
        for message in outgoing.withLock({
          let all = $0; $0 = []; return all
        }) {
          try? subscriber.publish(topic: message.topic, payload: Array(message.text.utf8))
        }
        subscriber.pump(for: 20)
      }
      // What the broker had written before its end is still on its way.
      subscriber.pump(for: 500)
    }
    ready.wait(past: 0, timeout: .seconds(20))
  }

  private func note(_ topic: String, _ payload: [UInt8]) {
    guard !topic.hasSuffix("/command"), let json = try? Codec.expand(payload, payload.first == 0x1f ? .gzip : .zstd),
      let tree = try? JSONTree(json), let first = tree["first"]?.integer, let lines = BatchBody.records(json)
    else { return }
    seen.withLock { seen in
      for (seq, line) in zip(first..., lines) {
        let line = String(decoding: line, as: UTF8.self)
        if let before = seen.records[topic]?[seq] {
          if before != line { seen.contradictions += 1 }
        } else {
          seen.records[topic, default: [:]][seq] = line
          seen.order.append("\(topic)/\(seq)")
        }
      }
    }
  }

  private static func spawn(_ arguments: [String]) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in [Int32(0), 1, 2] {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    var argv = ([executable ?? ""] + arguments).map { strdup($0) } + [nil]
    defer { for argument in argv { free(argument) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, executable ?? "", &actions, nil, &argv, environ)
    precondition(code == 0, "mosquitto could not be started")
    return pid
  }

  /// Waits until it takes connections; false where it has ended, since the port was taken.
  private static func listens(_ port: Int, _ pid: pid_t) -> Bool {
    for _ in 0..<2000 {
      let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      defer { close(probe) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = UInt16(port).bigEndian
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      let code = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(probe, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      var status: Int32 = 0
      if waitpid(pid, &status, WNOHANG) == pid { return false }
      if code == 0 { return true }
      usleep(2000)
    }
    return false
  }
}
