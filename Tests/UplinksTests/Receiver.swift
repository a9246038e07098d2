import Glibc
import Outbox
import Synchronization
import Telemetry

@testable import Uplinks

/// The scripted server of Fixtures/uplinks, as a process of its own.
final class Receiver {
  struct Line: Equatable {
    let lane: String
    let first: Int
    let last: Int
    let records: Int
    let encoding: String
    let key: String
    let authorization: String
    let port: String
    let answer: String
  }

  let port: String
  /// Of its own certificate, where it speaks TLS.
  let certificate: String?
  private let process: pid_t
  private let input: Int32

  init(tlsFolder: String? = nil) {
    let repository = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let script = "/\(repository)/Fixtures/uplinks/receiver.py"
    var toChild: [Int32] = [0, 0]
    var fromChild: [Int32] = [0, 0]
    pipe(&toChild)
    pipe(&fromChild)
    for descriptor in toChild + fromChild { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
    let words = ["python3", script] + (tlsFolder.map { ["--tls", $0] } ?? [])
    var arguments = words.map { strdup($0) } + [nil]
    var process: pid_t = 0
    let python = access("/usr/bin/python3", X_OK) == 0 ? "/usr/bin/python3" : "python3"
    let code = posix_spawnp(&process, python, &actions, nil, &arguments, environ)
    precondition(code == 0, "python3 is needed for these tests")
    arguments.forEach { free($0) }
    posix_spawn_file_actions_destroy(&actions)
    close(toChild[0])
    close(fromChild[1])
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while read(fromChild[0], &byte, 1) == 1, byte != 0x0a { line.append(byte) }
    close(fromChild[0])
    let told = String(decoding: line, as: UTF8.self).split(separator: " ").map(String.init)
    precondition(!told.isEmpty, "\(script) has not started")
    port = told[0]
    certificate = told.count > 1 ? told[1] : nil
    self.process = process
    input = toChild[1]
  }

  deinit {
    close(input)
    var status: Int32 = 0
    waitpid(process, &status, 0)
  }

  var url: String { "\(certificate == nil ? "http" : "https")://127.0.0.1:\(port)" }

  func script(_ answers: String...) throws { try tell("script", answers) }
  func rules(_ rules: String...) throws { try tell("rules", rules) }

  /// Waits until so many batches have come; all of them, in order of arrival.
  func log(_ count: Int) throws -> [Line] {
    let response = try HTTPClient.get(url: "\(url)/log?\(count)", timeout: .seconds(90))
    return String(decoding: response.body, as: UTF8.self).split(separator: "\n").map { line in
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      return Line(
        lane: fields[0], first: Int(fields[1]) ?? -1, last: Int(fields[2]) ?? -1, records: Int(fields[3]) ?? -1,
        encoding: fields[4], key: fields[5], authorization: fields[6], port: fields[7], answer: fields[8])
    }
  }

  private func tell(_ what: String, _ parts: [String]) throws {
    let argument = parts.joined(separator: "|").split(separator: " ", omittingEmptySubsequences: false)
      .joined(separator: "+")
    _ = try HTTPClient.get(url: "\(url)/\(what)?\(argument)", timeout: .seconds(10))
  }
}

/// An outbox and an uplink to a receiver, in a folder that goes away with them.
final class Bench {
  let folder: String
  let outbox: Outbox
  let uplink: Uplink
  let logged: Logged

  final class Logged: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
  }

  /// Patience for tests: short waits, but everything else as it is.
  static let hurried = RetryPolicy(base: .milliseconds(5), longest: .milliseconds(40), slow: .milliseconds(50))

  init(
    _ url: String, policy: RetryPolicy = Bench.hurried, compression: UplinkDefinition.Compression = .gzip,
    timeout: Span = .seconds(20), ca: String? = nil, synchronous: String = "FULL",
    token: @escaping @Sendable () throws -> String? = { nil },
    calendar: @escaping @Sendable () -> CalendarMoment = { Bench.noon },
    change: (inout UplinkDefinition) -> Void = { _ in }
  ) throws {
    folder = Bench.makeFolder()
    outbox = try Outbox(
      .init(
        path: folder + "/outbox.db", gateway: "gw", epoch: "e1",
        destinations: [.init(name: "central", compression: compression)], synchronous: synchronous))
    let logged = Logged()
    self.logged = logged
    var definition = UplinkDefinition(
      name: "central", url: url, caFile: ca, compression: compression, timeout: timeout)
    change(&definition)
    uplink = try Uplink(
      definition: definition, outbox: outbox, gateway: "gw", policy: policy, secret: token, calendar: calendar,
      requests: { logged.add("asked \($0.id)") }, log: { logged.add("\($0.rawValue) \($1)") })
  }

  deinit {
    uplink.stop(within: .seconds(10))
    Bench.remove(folder)
  }

  /// On a day of November 2026, by a clock that may be believed.
  static let noon = CalendarMoment(
    wall: Timestamp(milliseconds: 1_795_348_800_000), offset: .zero, isTrusted: true)

  static func makeFolder() -> String {
    var template = Array("/tmp/lumbung-uplink-XXXXXX".utf8CString)
    return String(cString: mkdtemp(&template))
  }

  static func remove(_ folder: String) {
    for name in ["outbox.db", "outbox.db-wal", "outbox.db-shm", "generation", "cert.pem", "key.pem"] {
      unlink("\(folder)/\(name)")
    }
    rmdir(folder)
  }

  func append(_ lane: Lane, _ texts: [String]) throws {
    try outbox.transaction { transaction in
      for text in texts { transaction.append(lane, Array("{\"text\":\"\(text)\"}".utf8)) }
    }
  }

  /// Waits for what the uplink's own threads bring about, giving them the processor in between.
  func until(_ condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<60_000 {
      if try condition() { return true }
      usleep(2000)
    }
    return false
  }

  func pending() throws -> Int64 { try outbox.backlog(for: "central").reduce(0) { $0 + $1.records } }
}
