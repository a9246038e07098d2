import Telemetry

/// Says what may be sent now: rate, hours and monthly budget of one uplink. A value without a clock of its own.
///
/// Alarms always go; what they take is counted. Beyond that, of the rate and the budget alike, a share is kept for live
/// data. When the month's budget is used up a trickle goes on, one batch an hour, so that the receiver knows that the
/// gateway lives.
struct TrafficLimits: Sendable {
  enum Verdict: Sendable, Equatable {
    case go
    /// Not before so long, and why where it is longer than a moment.
    case wait(Span, Hold?)
  }

  /// Why something is kept back, for the technician.
  enum Hold: Sendable, Equatable {
    /// The month's budget is used up.
    case budget
    /// What is left of the budget is kept for live data.
    case budgetShare
    /// Backlog waits for its hours.
    case hours(TrafficRules.Hours)
  }

  static let trickle = Span.hours(1)
  /// Calendars are looked at again so often, for clocks are set.
  static let look = Span.minutes(1)
  /// A server's wish for a slower pace holds so long; it repeats it with every answer.
  static let wishLifetime = Span.minutes(10)

  let rules: TrafficRules
  private(set) var budget: MonthlyBudget?
  private var whole: TokenBucket?
  /// Backlog and backfill take from this one, too.
  private var rest: TokenBucket?
  private var wished: (bucket: TokenBucket, until: Span)?
  private var lastTrickle: Span?

  init(rules: TrafficRules, budget: MonthlyBudget? = nil) {
    self.rules = rules
    self.budget = rules.monthlyBudget.map {
      MonthlyBudget(limit: $0.bytes, month: budget?.month, spent: budget?.spent ?? 0)
    }
    if let rate = rules.maxRate {
      whole = TokenBucket(rate: rate.bitsPerSecond / 8)
      rest = TokenBucket(rate: rate.bitsPerSecond / 8 * (1 - rules.liveShare))
    }
  }

  /// Whether anything is limited at all.
  var areAny: Bool { rules.maxRate != nil || budget != nil || !rules.backlogHours.isEmpty || wished != nil }

  mutating func permit(_ urgency: Urgency, now: Span, _ moment: CalendarMoment) -> Verdict {
    budget?.look(moment)
    if urgency == .alarm { return .go }
    if let budget, budget.left == 0 {
      if urgency == .live, lastTrickle.map({ now.nanoseconds - $0.nanoseconds >= Self.trickle.nanoseconds }) ?? true {
        return .go
      }
      return .wait(Self.look, .budget)
    }
    if urgency >= .backlog {
      if let budget, Double(budget.spent) >= Double(budget.limit) * (1 - rules.liveShare) {
        return .wait(Self.look, .budgetShare)
      }
      if let hours = rules.backlogHours.first, moment.isTrusted,
        !rules.backlogHours.contains(where: { $0.contains(minute: moment.minute) })
      {
        return .wait(Self.look, .hours(nextHours(after: moment.minute) ?? hours))
      }
    }
    if let wished, wished.until <= now { self.wished = nil }
    var wait = whole?.wait(now) ?? .zero
    if urgency >= .backlog { wait = max(wait, rest?.wait(now) ?? .zero) }
    wait = max(wait, wished?.bucket.wait(now) ?? .zero)
    return wait == .zero ? .go : .wait(wait, nil)
  }

  private func nextHours(after minute: Int) -> TrafficRules.Hours? {
    rules.backlogHours.min { ($0.from - minute + 1440) % 1440 < ($1.from - minute + 1440) % 1440 }
  }

  /// - Parameter bytes: on the wire, both ways.
  mutating func took(_ bytes: Int64, _ urgency: Urgency, now: Span, _ moment: CalendarMoment) {
    budget?.look(moment)
    if budget?.left == 0, urgency != .alarm { lastTrickle = now }
    budget?.spend(bytes)
    whole?.take(bytes, now)
    if urgency >= .backlog { rest?.take(bytes, now) }
    wished?.bucket.take(bytes, now)
  }

  /// The server would like no more than so many bytes in a second.
  mutating func wish(_ rate: BitRate, now: Span) {
    let until = Span(nanoseconds: now.nanoseconds + Self.wishLifetime.nanoseconds)
    let bytes = rate.bitsPerSecond / 8
    wished = (wished.flatMap { $0.bucket.rate == bytes ? $0.bucket : nil } ?? TokenBucket(rate: bytes), until)
  }
}

extension TrafficLimits.Hold: CustomStringConvertible {
  var description: String {
    switch self {
    case .budget: "the month's budget is used up: alarms go, and one batch an hour; the rest waits for the next month"
    case .budgetShare: "what is left of the month's budget is kept for live data: backlog waits for the next month"
    case .hours(let hours): "backlog waits for its hours, \(hours)"
    }
  }
}
