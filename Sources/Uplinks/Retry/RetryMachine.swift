import Telemetry

/// Decides what to do after each try to send a batch: section 5 of the contract, without any I/O.
///
/// One for each connection. It never drops anything: the only way out of the queue besides delivery is `deadLetter`,
/// for a record that was refused alone.
///
/// ```
///             success                     success, or success elsewhere
///   ready ◀────────────── ready ◀──────────────────────────────────────── backingOff, slow
///     │                                                                      ▲
///     └── 408 409 425 429 5xx, timeout, broken connection → backingOff ──────┤
///     └── 401 403 404 3xx …, TLS fault, ten lone refusals → slow ────────────┘
/// ```
public struct RetryMachine: Sendable {
  public enum Event: Sendable, Equatable {
    /// The server answered. `records` is how many the batch held, `retryAfter` what it asked for, `detail` what its
    /// body began with, `lane` the batch's.
    case answered(status: Int, records: Int, retryAfter: Span? = nil, detail: String = "", lane: Lane = .summary)
    case timedOut
    case connectionFailed(String)
    case tlsFailed(String)
    /// The request could not even be made: no token, a file missing.
    case notSent(UplinkFault)
    /// Another connection to the same destination has delivered.
    case succeededElsewhere
  }

  public enum Action: Sendable, Equatable {
    case delivered
    /// Record the halves and send those.
    case halve
    /// The record stands alone and is refused: settle it as a dead letter.
    case deadLetter(reason: String)
    /// The same batch again at once, in the machine's `encoding`, which is gzip from now on.
    case sendAgain
    /// The same batch again once `remaining` is over.
    case wait
    case none
  }

  public enum State: Sendable, Equatable {
    case ready
    /// The link or the server fails; it is expected to come back by itself.
    case backingOff(until: Span)
    /// Someone must put something right.
    case slow(until: Span)
  }

  public private(set) var state = State.ready
  /// What went wrong last; `nil` once something was delivered.
  public private(set) var fault: UplinkFault?
  /// So many lone records were refused in a row that the server is to blame, not the records. The next try had better
  /// be made with another batch: if that is taken, the first one's refusal counts as its own fault again.
  public var doubtsRefusals: Bool { !doubted.isEmpty }

  /// How batches are to be compressed: as was wished, until the server declines it.
  public private(set) var encoding: UplinkDefinition.Compression

  private let policy: RetryPolicy
  private var failures = 0
  /// Lone refusals in a row, lane by lane: that the notices of refusals are taken says nothing of the records.
  private var refusals: [Lane: Int] = [:]
  private var doubted: Set<Lane> = []
  private var random: UInt64
  /// When a success elsewhere last ended a wait.
  private var released: Span?

  /// - Parameter seed: For the jitter; different for each connection of each gateway.
  public init(
    policy: RetryPolicy = RetryPolicy(), encoding: UplinkDefinition.Compression = .gzip, seed: UInt64
  ) {
    self.policy = policy
    self.encoding = encoding
    random = seed
  }

  /// How long until the next try may be made; zero where it may be made now. `now` is monotonic.
  public func remaining(at now: Span) -> Span {
    switch state {
    case .ready: .zero
    case .backingOff(let until), .slow(let until): Span(nanoseconds: max(0, until.nanoseconds - now.nanoseconds))
    }
  }

  public mutating func event(_ event: Event, at now: Span) -> Action {
    switch event {
    case .answered(let status, let records, let retryAfter, let detail, let lane):
      return answered(status, records, retryAfter, detail, lane, now)
    case .timedOut:
      return backOff("no answer in time", nil, now)
    case .connectionFailed(let text):
      return backOff(text, nil, now)
    case .tlsFailed(let text):
      return slow(UplinkFault(error: text, cure: StatusCure.tls), now)
    case .notSent(let fault):
      return slow(fault, now)
    case .succeededElsewhere:
      release(now)
      return .none
    }
  }

  private mutating func answered(
    _ status: Int, _ records: Int, _ retryAfter: Span?, _ detail: String, _ lane: Lane, _ now: Span
  ) -> Action {
    let answer = detail.isEmpty ? "the server answered \(status)" : "the server answered \(status): \(detail)"
    switch status {
    case 200...299:
      succeed(lane)
      return .delivered
    case 408, 409, 425, 429, 500...599:
      return backOff(answer, retryAfter, now)
    case 413:
      return records > 1 ? proceed(.halve) : refuse(answer, lane, now)
    case 415:
      // Where gzip isn't understood either, only a person can help.
      guard encoding != .gzip else { return slow(UplinkFault(error: answer, cure: StatusCure.of(status)), now) }
      encoding = .gzip
      return proceed(.sendAgain)
    case 400, 422:
      if doubted.contains(lane) { return slow(doubt(answer, lane), now) }
      return records > 1 ? proceed(.halve) : refuse(answer, lane, now)
    default:
      return slow(UplinkFault(error: answer, cure: StatusCure.of(status)), now)
    }
  }

  /// The other connection's success ends the wait. Not more often than the longest wait, or a batch that this server
  /// can't stomach would be thrown at it as fast as the other connection delivers.
  private mutating func release(_ now: Span) {
    guard state != .ready else { return }
    if let released, now.nanoseconds - released.nanoseconds < policy.longest.nanoseconds { return }
    released = now
    state = .ready
    fault = nil
    failures = 0
  }

  private mutating func succeed(_ lane: Lane) {
    released = nil
    state = .ready
    fault = nil
    failures = 0
    refusals[lane] = nil
    doubted.remove(lane)
  }

  /// The server understood well enough to object to this batch: no reason to wait.
  private mutating func proceed(_ action: Action) -> Action {
    state = .ready
    fault = nil
    failures = 0
    return action
  }

  private mutating func refuse(_ answer: String, _ lane: Lane, _ now: Span) -> Action {
    guard refusals[lane, default: 0] < policy.refusals else {
      doubted.insert(lane)
      return slow(doubt(answer, lane), now)
    }
    refusals[lane, default: 0] += 1
    return proceed(.deadLetter(reason: answer))
  }

  private func doubt(_ answer: String, _ lane: Lane) -> UplinkFault {
    UplinkFault(
      error: "\(refusals[lane, default: 0]) records in a row were refused one by one; last, \(answer)",
      cure: "look at the server's log: it refuses what it should take; nothing more is given up before it takes some")
  }

  private mutating func backOff(_ error: String, _ retryAfter: Span?, _ now: Span) -> Action {
    fault = UplinkFault(error: error, cure: StatusCure.passing)
    // 2^20 seconds are beyond any policy; the shift must not overflow.
    let doubled = Span(nanoseconds: min(policy.longest.nanoseconds, policy.base.nanoseconds << min(failures, 20)))
    failures += 1
    // Between half and all of it, so that a thousand gateways don't return in step.
    let wait = jittered(doubled, share: 2)
    // And up to a half more than was asked, for the same reason: a whole district was asked for the same.
    let bounded = min(retryAfter ?? .zero, policy.longestAsked)
    let asked = Span(nanoseconds: bounded.nanoseconds + spread(bounded))
    state = .backingOff(until: Span(nanoseconds: now.nanoseconds + max(wait, asked).nanoseconds))
    return .wait
  }

  private mutating func slow(_ fault: UplinkFault, _ now: Span) -> Action {
    self.fault = fault
    failures = 0
    state = .slow(until: Span(nanoseconds: now.nanoseconds + jittered(policy.slow, share: 4).nanoseconds))
    return .wait
  }

  /// Something from zero up to a half of `span`, in nanoseconds.
  private mutating func spread(_ span: Span) -> Int64 {
    span == .zero ? 0 : span.nanoseconds - jittered(span, share: 2).nanoseconds
  }

  /// `span` less up to one `share`-th of it.
  private mutating func jittered(_ span: Span, share: Int64) -> Span {
    // SplitMix64: jitter needs no better, and the machine stays a value that tests can repeat.
    random &+= 0x9e37_79b9_7f4a_7c15
    var mixed = random
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    mixed ^= mixed >> 31
    let range = UInt64(max(1, span.nanoseconds / share))
    return Span(nanoseconds: span.nanoseconds - Int64(mixed % range))
  }
}

extension RetryMachine {
  var isSlow: Bool {
    if case .slow = state { true } else { false }
  }
}
