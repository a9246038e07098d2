import Glibc
import Logging
import Synchronization
import Telemetry
import Threads

/// Where a service's log goes: to systemd's journal with priority and fields where standard error leads there, else as
/// lines to standard error. Rate-limited; safe from any thread.
///
/// All loggers made from one share its level, so that a reload changes it everywhere at once.
public final class ServiceLog: Sendable {
  private let identifier: String
  private let journal: JournalSocket?
  private let threshold: Atomic<Int>
  private let rate: Mutex<LogRate>
  private let write: @Sendable ([UInt8]) -> Void

  /// - Parameter write: what takes the lines where there is no journal.
  public init(
    identifier: String, level: Logger.Level, journal: JournalSocket? = JournalSocket(), rate: LogRate = LogRate(),
    write: @escaping @Sendable ([UInt8]) -> Void = ServiceLog.standardError
  ) {
    self.identifier = identifier
    self.journal = journal
    threshold = Atomic(ServiceLog.rank(level))
    self.rate = Mutex(rate)
    self.write = write
  }

  /// The least grave that is written.
  public var level: Logger.Level {
    get { Logger.Level.allCases[threshold.load(ordering: .relaxed)] }
    set { threshold.store(ServiceLog.rank(newValue), ordering: .relaxed) }
  }

  public func logger() -> Logger { Logger(label: identifier) { _ in Handler(log: self) } }

  private static func rank(_ level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }

  fileprivate func take(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) {
    switch rate.withLock({ $0.ask(at: SystemClock.monotonic) }) {
    case .leaveOut: return
    case .write(0): break
    case .write(let leftOut): tell(.warning, "\(leftOut) lines were left out: too many came at once", [:])
    }
    tell(level, message, metadata)
  }

  private func tell(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) {
    let fields = metadata.sorted { $0.key < $1.key }
    if let journal {
      var entry = JournalEntry(identifier: identifier, priority: ServiceLog.priority(level), message: message)
      for field in fields { entry.add(own: field.key, "\(field.value)") }
      if journal.send(entry) { return }
    }
    var line = "\(RFC3339.format(SystemClock.wall)) \(level) \(identifier):"
    for field in fields { line += " \(field.key)=\(field.value)" }
    // One line each, whatever came from outside: nobody can pose as another entry.
    let text = Printable.text(message, limit: JournalEntry.longestMessage)
    write(Array("\(line) \(text)\n".utf8))
  }

  /// Of syslog(3).
  private static func priority(_ level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }

  /// In one write, so that lines of several threads don't mix. What can't be written is lost: there is no other place.
  public static func standardError(_ bytes: [UInt8]) { _ = Glibc.write(STDERR_FILENO, bytes, bytes.count) }

  private struct Handler: LogHandler {
    let log: ServiceLog
    var metadata: Logger.Metadata = [:]

    init(log: ServiceLog) { self.log = log }

    /// The log's own: one level for all.
    var logLevel: Logger.Level {
      get { log.level }
      set { log.level = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
      let reason = event.error.map { ": \($0)" } ?? ""
      log.take(event.level, event.message.description + reason, all)
    }
  }
}
