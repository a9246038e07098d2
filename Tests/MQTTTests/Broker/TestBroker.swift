import Glibc
import Synchronization
import Testing

@testable import MQTT

struct TestFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A real mosquitto of our own, on a free port, in a folder of its own.
final class TestBroker: Sendable {
  static let isInstalled = TestBroker.executable != nil
  private static let places = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/usr/bin/mosquitto"]
  private static let executable: String? = places.first { access($0, X_OK) == 0 }

  let port: Int
  let folder: String
  private let process = Mutex<pid_t>(0)

  var address: BrokerAddress { BrokerAddress(host: "127.0.0.1", port: port) }

  /// - Parameter settings: more lines of the configuration.
  init(settings: [String] = [], started: Bool = true) throws {
    port = try freePort()
    var template = Array("/tmp/mqtt-tests.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw TestFailure("no folder: \(String(cString: strerror(errno)))") }
    folder = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    let lines =
      [
        "listener \(port) 127.0.0.1", "allow_anonymous true", "persistence true", "persistence_location \(folder)/",
        "max_queued_messages 0", "log_dest file \(folder)/log", "connection_messages true", "sys_interval 1",
        // As root, mosquitto would become a user that may not write here.
        "user \(String(cString: getpwuid(getuid()).pointee.pw_name))",
      ] + settings
    try write(lines.joined(separator: "\n") + "\n", to: "\(folder)/broker.conf")
    if started { try start() }
  }

  deinit {
    kill()
    runToEnd("/bin/rm", ["-r", "-f", folder])
  }

  /// Returns once it takes connections by its own word: that somebody listens on the port could be said of another's
  /// broker, which has been quicker and will end sooner.
  func start() throws {
    guard let executable = TestBroker.executable else { throw TestFailure("mosquitto is not installed") }
    let before = log.count
    let pid = try spawn(executable, ["-c", "\(folder)/broker.conf"])
    process.withLock { $0 = pid }
    try eventually("the broker runs: \(log)") { log.dropFirst(before).contains(" running") || !isAlive }
    guard isAlive else { throw TestFailure("the broker has ended: \(log)") }
  }

  var log: String {
    guard let file = fopen("\(folder)/log", "re") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// False from when it ended by itself.
  var isAlive: Bool {
    process.withLock { pid in
      guard pid > 0 else { return false }
      var status: Int32 = 0
      if waitpid(pid, &status, WNOHANG) == pid { pid = 0 }
      return pid > 0
    }
  }

  /// Saves its state, as at a restart of the service.
  func stop() { end(SIGTERM) }
  /// Loses what it took since its last save.
  func kill() { end(SIGKILL) }
  /// Writes its state to disk now.
  func save() { process.withLock { if $0 > 0 { _ = Glibc.kill($0, SIGUSR1) } } }

  private func end(_ signal: Int32) {
    process.withLock { pid in
      guard pid > 0 else { return }
      _ = Glibc.kill(pid, signal)
      var status: Int32 = 0
      waitpid(pid, &status, 0)
      pid = 0
    }
  }
}

func write(_ text: String, to path: String) throws {
  guard let file = fopen(path, "w") else { throw TestFailure("\(path): \(String(cString: strerror(errno)))") }
  fputs(text, file)
  fclose(file)
}

func spawn(_ executable: String, _ arguments: [String]) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for descriptor in [Int32(0), 1, 2] {
    posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
  }
  // Threads of a pool block signals, and a child would inherit that: it couldn't be told to end.
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var none = sigset_t()
  sigemptyset(&none)
  posix_spawnattr_setsigmask(&attributes, &none)
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
  var argv: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
  defer { for argument in argv { free(argument) } }
  var pid: pid_t = 0
  let code = posix_spawn(&pid, executable, &actions, &attributes, &argv, environ)
  guard code == 0 else { throw TestFailure("\(executable): \(String(cString: strerror(code)))") }
  return pid
}

@discardableResult
func runToEnd(_ executable: String, _ arguments: [String]) -> Bool {
  guard let pid = try? spawn(executable, arguments) else { return false }
  var status: Int32 = 0
  waitpid(pid, &status, 0)
  return status == 0
}

/// Waits until it is so. The time is a bound against hanging, not part of any claim.
func eventually(_ what: @autoclosure () -> String, within seconds: Double = 120, _ condition: () -> Bool) throws {
  let end = Monotonic.now() + Int64(seconds * 1e9)
  while !condition() {
    guard Monotonic.now() < end else { throw TestFailure("not within \(seconds) s: \(what())") }
    usleep(2000)
  }
}
