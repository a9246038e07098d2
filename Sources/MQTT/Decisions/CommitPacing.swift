/// When a batch is committed, and how the time until then is spent.
///
/// Bytes written to flash fall with the size of the batch, and the cost of a message falls with the number that one
/// drain of the socket finds. So a batch gathers until it is full or its first message has waited `interval`, and
/// between drains the loop rests instead of waking for each message: 100 ms while traffic is thin, shorter as it
/// grows, never so long that the socket's buffer fills and holds up the broker. After the acknowledgements it rests,
/// too, where more is sure to come.
///
/// A broker that allows few unacknowledged messages sends no more until it is answered: waiting for the interval would
/// bound the throughput to window ÷ interval. Once the window is reached, the batch is committed as soon as the socket
/// is dry. MQTT 3.1.1 doesn't tell the window: it is taken for 20, the broker's default, until more come at once.
/// Under MQTT 5 a smaller window than we asked for is learned from its signs.
///
/// A value without I/O; times are monotonic nanoseconds.
struct CommitPacing: Hashable, Sendable {
  enum Step: Hashable, Sendable {
    /// The batch is due.
    case commit
    /// Look at nothing until then, however much arrives.
    case rest(until: Int64)
    /// Wait for the socket, and no longer than until then; without a time where nothing waits for its commit.
    case listen(until: Int64?)
  }

  /// What MQTT 3.1.1 brokers allow unless set otherwise (mosquitto, EMQX and VerneMQ: 20 to 32).
  static let assumedWindow = 20
  /// The longest rest. Half of the default interval: what is read bears the time at which it is read, and a reading that
  /// has no time of its own is that much late. Waking costs as much as some ten messages.
  static let longestRest: Int64 = 100_000_000
  /// Fewer messages in a batch don't promise that there will be more.
  static let promisingMessages = 4
  /// Rests shorter than this cost more than they save.
  static let shortestRest: Int64 = 1_000_000
  /// What may gather in the socket during a rest: half of the receive buffer that Linux starts with.
  static let restBytes = 64 * 1024
  /// Below this window a rest could starve the connection; above it the buffer is the tighter bound.
  static let restfulWindow = 1000
  /// Within this time after the acknowledgements, messages count as an answer to them.
  static let answerTime: Int64 = 20_000_000
  /// So many stalls at the same count make a window.
  static let stallsToBelieve = 3
  /// Every so many commits the believed window is put to the test: it may have been a whim of the traffic.
  static let commitsBetweenTests = 64

  private let interval: Int64
  private let fullMessages: Int
  private let fullBytes: Int

  /// The most unacknowledged messages that the broker sends, as far as known.
  private(set) var window = Int.max
  /// Read and not yet acknowledged, those included that need no commit.
  private(set) var messages = 0
  private(set) var bytes = 0
  private var uncommittedSince: Int64?

  private var lastDrain: Int64 = 0
  private var bytesAtLastDrain = 0
  /// Bytes a second, as of the last drain.
  private var rate = 0.0

  private var emptyDrains = 0
  /// Whether the last batch came so evenly that the next will.
  private var promises = false
  /// Since when nothing was read, after acknowledgements.
  private var restedSince: Int64?
  private var releasedAt: Int64?
  private var lastStall: Int?
  private var pendingStall: Int?
  private var stalls = 0
  private var commits = 0
  private var configuredWindow = Int.max

  /// - Parameter largestMessage: a batch is full while one more message of this size would still fit.
  init(interval: Int64, commitMessages: Int, commitBytes: Int, largestMessage: Int) {
    self.interval = max(interval, 0)
    fullMessages = max(commitMessages, 1)
    fullBytes = max(commitBytes - largestMessage, 1)
  }

  var isFull: Bool { messages >= fullMessages || bytes >= fullBytes }

  /// A connection was accepted. `window` is nil where the protocol can't tell it.
  mutating func connected(window told: Int?, now: Int64) {
    configuredWindow = told ?? .max
    window = told ?? CommitPacing.assumedWindow
    messages = 0
    bytes = 0
    uncommittedSince = nil
    lastDrain = now
    bytesAtLastDrain = 0
    rate = 0
    emptyDrains = 0
    releasedAt = nil
    lastStall = nil
    pendingStall = nil
    stalls = 0
    promises = false
    restedSince = nil
  }

  /// A message was read whose acknowledgement waits. `stored` is false where it needs no commit.
  mutating func received(bytes size: Int, stored: Bool, now: Int64) {
    messages += 1
    bytes += size
    if stored, uncommittedSince == nil { uncommittedSince = restedSince ?? now }
  }

  /// The socket is dry.
  mutating func drained(now: Int64) -> Step {
    restedSince = nil
    let fresh = bytes - bytesAtLastDrain
    rate = Double(fresh) * 1e9 / Double(max(now - lastDrain, CommitPacing.shortestRest))
    lastDrain = now
    bytesAtLastDrain = bytes
    if fresh > 0 {
      emptyDrains = 0
      noticeAnswer(now)
    } else {
      emptyDrains += 1
    }
    if messages > window { window = configuredWindow }

    guard let uncommittedSince else { return .listen(until: nil) }
    let due = uncommittedSince + interval
    if isFull || now >= due { return .commit }
    if messages >= window {
      let test = commits % CommitPacing.commitsBetweenTests == CommitPacing.commitsBetweenTests - 1
      if !test || now - uncommittedSince >= CommitPacing.answerTime { return .commit }
      return .listen(until: min(due, uncommittedSince + CommitPacing.answerTime))
    }
    guard let rest else { return .listen(until: due) }
    return .rest(until: min(now + rest, due))
  }

  /// How long nothing is read at this rate; `nil` where it is too thick, or the broker waits for its answers.
  private var rest: Int64? {
    guard window >= CommitPacing.restfulWindow else { return nil }
    let rest = min(Double(CommitPacing.longestRest), Double(CommitPacing.restBytes) * 1e9 / max(rate, 1))
    return rest < Double(CommitPacing.shortestRest) ? nil : Int64(rest)
  }

  /// The batch was handed to its commit.
  mutating func committing() {
    pendingStall = emptyDrains >= 2 && !isFull ? messages : nil
    promises = emptyDrains == 0 && !isFull && messages >= CommitPacing.promisingMessages
    commits += 1
    uncommittedSince = nil
  }

  /// Every acknowledgement that waited was handed to the socket.
  ///
  /// - Returns: until when nothing is read, however much arrives; `nil` where the socket is to be looked at. What comes
  ///   meanwhile counts as waiting from now on.
  @discardableResult
  mutating func released(now: Int64) -> Int64? {
    defer { promises = false }
    messages = 0
    bytes = 0
    bytesAtLastDrain = 0
    lastDrain = now
    emptyDrains = 0
    releasedAt = now
    restedSince = nil
    guard promises, let rest else { return nil }
    restedSince = now
    return now + min(rest, interval)
  }

  /// Messages that follow right on the acknowledgements, after a stall at the same count for the third time in a row,
  /// were held back by the broker's window.
  private mutating func noticeAnswer(_ now: Int64) {
    guard let at = releasedAt else { return }
    releasedAt = nil
    guard let stall = pendingStall, now - at <= CommitPacing.answerTime else {
      stalls = 0
      lastStall = nil
      return
    }
    stalls = stall == lastStall ? stalls + 1 : 1
    lastStall = stall
    if stalls >= CommitPacing.stallsToBelieve, stall < window { window = stall }
  }
}
