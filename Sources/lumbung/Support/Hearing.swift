import Decoding
import Discovery
import Glibc
import MQTT
import Synchronization
import Telemetry
import Threads

/// Listens to a broker for a while and gathers what it hears. Runs on a thread of its own; `stop` may come from any.
final class Hearing: Sendable {
  struct Heard: Sendable {
    var survey: Survey
    var duration: Span
    /// Why it ended before the time.
    var ended: MQTTError?
  }

  /// A broker that is there answers within moments.
  private static let connectTime = 10_000
  /// How often the end, Ctrl-C and the progress are seen to, in milliseconds.
  private static let turn = 250
  private static let retryAfter = Span.seconds(1)

  private let configuration: ListenerConfiguration
  private let duration: Span
  /// How many devices are in what was heard so far; `nil` where nobody can tell.
  private let devices: @Sendable (Survey) -> Int?
  private let stopped = Atomic(false)

  init(_ configuration: ListenerConfiguration, duration: Span, devices: @escaping @Sendable (Survey) -> Int?) {
    self.configuration = configuration
    self.duration = duration
    self.devices = devices
  }

  func stop() { stopped.store(true, ordering: .relaxed) }

  /// - Throws: `MQTTError` where the broker can't be reached or refuses. A connection that breaks later is made again.
  func run() throws -> Heard {
    var survey = Survey()
    // What the gateway wouldn't store isn't shown either.
    let redaction = FieldRedaction(sources: [])
    let listener = Listener(configuration: configuration) { message in
      let (topic, retained, now) = (message.topic, message.retained, SystemClock.wall)
      if let kept = redaction.redactAll(topic: topic, payload: message.payload) {
        kept.withUnsafeBytes { survey.take(topic: topic, payload: $0, retained: retained, at: now) }
      } else {
        survey.take(topic: topic, payload: message.payload, retained: retained, at: now)
      }
    }
    try listener.connect(within: Hearing.connectTime)
    defer { listener.close() }
    let start = ContinuousClock.now
    let end = start + .nanoseconds(duration.nanoseconds)
    let progress = Progress(devices)
    var ended: MQTTError?
    while !stopped.load(ordering: .relaxed), ContinuousClock.now < end {
      let left = end - ContinuousClock.now
      let turn = min(Hearing.turn, max(1, Int(left / .milliseconds(1))))
      do throws(MQTTError) {
        try listener.listen(for: turn)
        ended = nil
      } catch {
        ended = error
        BlockingPause.wait(min(Hearing.retryAfter, .milliseconds(Int64(turn) * 4)))
        do throws(MQTTError) { try listener.connect(within: Hearing.connectTime) } catch { ended = error }
      }
      progress.show(survey, left: end - ContinuousClock.now)
    }
    progress.clear()
    let listened = (ContinuousClock.now - start) / .nanoseconds(1)
    return Heard(survey: survey, duration: Span(nanoseconds: Int64(listened)), ended: ended)
  }
}

/// A plain sleep, for threads that may block.
private enum BlockingPause {
  static func wait(_ span: Span) {
    _ = poll(nil, 0, Int32(clamping: span.milliseconds))
  }
}

/// A line on a terminal that tells how it goes; nothing elsewhere.
private final class Progress {
  private let isShown = isatty(STDERR_FILENO) == 1
  private let devices: (Survey) -> Int?
  private var next = ContinuousClock.now
  private var nextCount = ContinuousClock.now
  private var found: Int?

  /// Counting tries the whole proposal on what was heard: no more than a twentieth of the time goes into it, for
  /// meanwhile nobody listens.
  private static let share = 20
  private static let pause = Duration.seconds(2)

  init(_ devices: @escaping (Survey) -> Int?) { self.devices = devices }

  func show(_ survey: Survey, left: Duration) {
    guard isShown, ContinuousClock.now >= next else { return }
    next = ContinuousClock.now + .seconds(1)
    let seconds = max(0, Int((left / .seconds(1)).rounded(.up)))
    if ContinuousClock.now >= nextCount {
      let start = ContinuousClock.now
      found = devices(survey)
      let end = ContinuousClock.now
      nextCount = end + max(Progress.pause, (end - start) * Progress.share)
    }
    let devices = found.map { ", \($0) \($0 == 1 ? "device" : "devices")" } ?? ""
    let line =
      "\r\(seconds) s left: \(survey.messages) messages on \(survey.topics.count) topics\(devices); Ctrl-C ends it here"
      + "\u{1b}[K"
    Console.write(Array(line.utf8), to: STDERR_FILENO)
  }

  func clear() {
    if isShown { Console.write(Array("\r\u{1b}[K".utf8), to: STDERR_FILENO) }
  }
}
