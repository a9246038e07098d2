import Glibc
import Settings
import Telemetry
import Testing

/// The files that the package brings along do what they say.
@Suite(.serialized) struct ShippedFilesTests {
  /// What `format` may be, as the comments of the shipped file name them.
  private let formats = [
    "json", "scalar", "frigate", "onvif", "axis", "tasmota", "telegraf", "sparkplug", "senml",
  ]

  @Test("the annotated configuration has no fault")
  func annotated() throws {
    let path = repositoryFile("Config/gateway.toml")
    let settings = try GatewaySettings.load(path: path, knownFormats: formats)
    #expect(settings.sources.map(\.name) == ["school-cctv", "frigate", "tasmota"])
    #expect(settings.alarms.count == 4)
    #expect(settings.uplinks.isEmpty)
  }

  @Test("what the annotated configuration says of defaults is what they are")
  func annotatedDefaults() throws {
    let settings = try GatewaySettings.load(path: repositoryFile("Config/gateway.toml"), knownFormats: formats)
    let defaults = GatewaySettings(gatewayID: settings.gatewayID)
    #expect(settings.broker == defaults.broker)
    #expect(settings.store == defaults.store)
    #expect(settings.summary == defaults.summary)
    #expect(settings.trust == defaults.trust)
    #expect(settings.admin.listen == defaults.admin.listen)
    #expect(settings.logLevel == defaults.logLevel)
  }

  @Test("the annotated configuration has no fault with all that is switched off in it switched on")
  func everythingOn() throws {
    // Keys and headers behind a single "# ", and the two spaces of a metric's.
    let text = try contents(of: repositoryFile("Config/gateway.toml")).split(
      separator: "\n", omittingEmptySubsequences: false
    ).map { line -> Substring in
      let rest = line.drop { $0 == "#" || $0 == " " }
      let word = rest.prefix { $0.isLetter || $0 == "_" }
      let isKey = !word.isEmpty && rest.dropFirst(word.count).drop { $0 == " " }.hasPrefix("= ")
      guard line.hasPrefix("#"), isKey || rest.hasPrefix("[[") else { return line }
      return rest
    }.joined(separator: "\n").replacing("mqtt://127.0.0.1:1883", with: "mqtts://127.0.0.1:8883")
    let settings = try GatewaySettings.parse(text: text, file: "gateway.toml", knownFormats: formats)
    #expect(settings.sources.count == 5)
    #expect(settings.uplinks.map(\.name) == ["central", "province"])
    #expect(settings.broker.keyFile != nil)
  }

  @Test("mosquitto takes its drop-in beside Debian's own configuration", .enabled(if: Broker.isInstalled))
  func dropIn() throws {
    let folder = TemporaryFolder()
    chmod(folder.path, 0o777)
    mkdir("\(folder.path)/conf.d", 0o755)
    let dropIn = try contents(of: repositoryFile("Config/mosquitto/lumbung.conf"))
    _ = folder.write("conf.d/lumbung.conf", dropIn, mode: 0o644)
    // What Debian's mosquitto.conf says, with other places.
    let main = folder.write(
      "mosquitto.conf",
      """
      pid_file \(folder.path)/mosquitto.pid

      persistence true
      persistence_location \(folder.path)/

      log_dest stderr

      include_dir \(folder.path)/conf.d

      """, mode: 0o644)
    let log = try Broker.log(untilRunningWith: main)
    #expect(log.contains(" running"), "\(log)")
    #expect(!log.lowercased().contains("error"), "\(log)")
    #expect(log.contains("local only mode"), "\(log)")
  }

  @Test("a line that mosquitto doesn't know is found by the same trial", .enabled(if: Broker.isInstalled))
  func brokenDropIn() throws {
    let folder = TemporaryFolder()
    chmod(folder.path, 0o777)
    let main = folder.write("mosquitto.conf", "max_queued_massages 0\nlog_dest stderr\n", mode: 0o644)
    let log = try Broker.log(untilRunningWith: main)
    #expect(!log.contains(" running"), "\(log)")
  }
}

/// A real mosquitto, for as long as it takes to see that it runs.
private enum Broker {
  static let path = "/usr/sbin/mosquitto"
  static var isInstalled: Bool { access(path, X_OK) == 0 }

  struct CannotStart: Error { let code: Int32 }

  /// What it logs until it says that it runs, or ends; it is stopped then.
  static func log(untilRunningWith file: String) throws -> String {
    var pipes: [Int32] = [0, 0]
    guard pipe(&pipes) == 0 else { throw CannotStart(code: errno) }
    defer { close(pipes[0]) }
    // The broker's own copy of the write end is the only one: its end is the end of the log.
    for end in pipes { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO)
    posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO)
    let words: [String] = [path, "-c", file, "-p", String(freePort())]
    let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, path, &actions, nil, arguments, environ)
    close(pipes[1])
    guard code == 0 else { throw CannotStart(code: code) }
    defer {
      // Not SIGTERM: a thread of the concurrency pool blocks it, and its children inherit that.
      kill(process, SIGKILL)
      waitpid(process, nil, 0)
    }
    var log: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !String(decoding: log, as: UTF8.self).contains(" running") {
      let count = read(pipes[0], &buffer, buffer.count)
      guard count > 0 else { break }
      log.append(contentsOf: buffer[..<count])
    }
    return String(decoding: log, as: UTF8.self)
  }

  /// A port that nothing listened on a moment ago.
  private static func freePort() -> UInt16 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        _ = bind(socket, generic, length)
        _ = getsockname(socket, generic, &length)
      }
    }
    return UInt16(bigEndian: address.sin_port)
  }
}
