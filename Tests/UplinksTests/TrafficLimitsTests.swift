import Telemetry
import Testing

@testable import Uplinks

@Suite("Traffic limits")
struct TrafficLimitsTests {
  private func moment(_ text: String, trusted: Bool = true) -> CalendarMoment {
    CalendarMoment(wall: RFC3339.parse(text)!, offset: .hours(7), isTrusted: trusted)
  }

  private static let noon = CalendarMoment(
    wall: RFC3339.parse("2026-11-22T05:00:00Z")!, offset: .hours(7), isTrusted: true)

  @Test("the calendar is that of the gateway's zone")
  func calendar() {
    let moment = moment("2026-11-30T17:30:15Z")
    #expect(moment.month == 2026 * 12 + 11 && moment.minute == 30 && moment.second == 15)
  }

  @Test("without rules everything goes")
  func noRules() {
    var limits = TrafficLimits(rules: TrafficRules())
    for urgency in Urgency.allCases { #expect(limits.permit(urgency, now: .zero, Self.noon) == .go) }
    #expect(!limits.areAny)
  }

  @Test("over an hour no more than the rate passes, alarms apart, and live data gets its share")
  func rate() {
    var limits = TrafficLimits(rules: TrafficRules(maxRate: BitRate("64kbit/s"), liveShare: 0.5))
    var now = Span.zero
    var passed: [Urgency: Int64] = [:]
    while now < .hours(1) {
      // Live data comes now and then, backlog always.
      let urgency: Urgency = now.nanoseconds / 1_000_000_000 % 60 < 5 ? .live : .backlog
      switch limits.permit(urgency, now: now, Self.noon) {
      case .go:
        limits.took(16_000, urgency, now: now, Self.noon)
        passed[urgency, default: 0] += 16_000
      case .wait(let wait, let hold):
        #expect(wait > .zero && hold == nil)
        now = Span(nanoseconds: now.nanoseconds + min(wait.nanoseconds, 1_000_000_000))
      }
    }
    let whole = passed.values.reduce(0, +)
    #expect(whole <= 8_000 * 3600 + 40_000)
    // Half of the rate, less what live data took out of the whole.
    #expect((4_000 * 3500...4_000 * 3600 + 40_000).contains(passed[.backlog, default: 0]))
    #expect(passed[.live, default: 0] >= 4_000 * 300)
    #expect(limits.permit(.alarm, now: now, Self.noon) == .go)
  }

  @Test("what a batch took too much is waited for by the next")
  func debt() {
    var bucket = TokenBucket(rate: 1000)
    #expect(bucket.wait(.zero) == .zero)
    bucket.take(50_000, .zero)
    #expect((.seconds(30) ... .seconds(31)).contains(bucket.wait(.zero)))
    #expect(bucket.wait(.seconds(31)) == .zero)
  }

  @Test("backlog waits for its hours, in the gateway's zone, and live data doesn't")
  func hours() throws {
    let night = try #require(TrafficRules.Hours("22:00-05:00"))
    var limits = TrafficLimits(rules: TrafficRules(backlogHours: [night]))
    #expect(limits.permit(.backlog, now: .zero, Self.noon) == .wait(TrafficLimits.look, .hours(night)))
    #expect(limits.permit(.backfill, now: .zero, Self.noon) == .wait(TrafficLimits.look, .hours(night)))
    #expect(limits.permit(.live, now: .zero, Self.noon) == .go)
    #expect(limits.permit(.backlog, now: .zero, moment("2026-11-22T15:00:00Z")) == .go)
    #expect(limits.permit(.backlog, now: .zero, moment("2026-11-22T21:59:59Z")) == .go)
    #expect(limits.permit(.backlog, now: .zero, moment("2026-11-22T22:00:00Z")) != .go)
    // A clock that isn't trusted keeps nothing back.
    #expect(limits.permit(.backlog, now: .zero, moment("2026-11-22T05:00:00Z", trusted: false)) == .go)
  }

  @Test(
    "hours are read as written",
    arguments: [("22:00-05:00", 1320, 300), ("00:00-24:00", 0, 1440), ("06:30-07:00", 390, 420)])
  func hourTexts(text: String, from: Int, to: Int) throws {
    let hours = try #require(TrafficRules.Hours(text))
    #expect(hours.from == from && hours.to == to && hours.description == text)
  }

  @Test(
    "what is no stretch of a day is refused",
    arguments: ["", "22-5", "22:00", "22:00-22:00", "25:00-01:00", "1:00-2:00", "00:60-01:00"])
  func badHours(text: String) { #expect(TrafficRules.Hours(text) == nil) }

  @Test("a used up budget lets alarms and one batch an hour through; backlog stops before, for the sake of live data")
  func budget() {
    var limits = TrafficLimits(rules: TrafficRules(liveShare: 0.25, monthlyBudget: .mebibytes(4)))
    limits.took(3 << 20, .backlog, now: .zero, Self.noon)
    #expect(limits.permit(.backlog, now: .zero, Self.noon) == .wait(TrafficLimits.look, .budgetShare))
    #expect(limits.permit(.live, now: .zero, Self.noon) == .go)
    limits.took(1 << 20, .live, now: .zero, Self.noon)
    #expect(limits.budget?.left == 0)
    #expect(limits.permit(.alarm, now: .zero, Self.noon) == .go)
    #expect(limits.permit(.live, now: .zero, Self.noon) == .go)
    limits.took(16_000, .live, now: .zero, Self.noon)
    #expect(limits.permit(.live, now: .minutes(59), Self.noon) == .wait(TrafficLimits.look, .budget))
    #expect(limits.permit(.backlog, now: .minutes(61), Self.noon) == .wait(TrafficLimits.look, .budget))
    #expect(limits.permit(.live, now: .minutes(61), Self.noon) == .go)
  }

  @Test("a month begins by a trusted clock alone, and never twice")
  func months() {
    var budget = MonthlyBudget(limit: 100)
    budget.spend(60)
    budget.look(moment("2026-11-22T00:00:00Z", trusted: false))
    #expect(budget.month == nil)
    budget.look(moment("2026-11-22T00:00:00Z"))
    #expect(budget.spent == 60)
    budget.look(moment("2027-01-01T00:00:00Z", trusted: false))
    #expect(budget.spent == 60)
    // The month of the gateway's zone has come, UTC's hasn't.
    budget.look(moment("2026-11-30T17:00:00Z"))
    #expect(budget.spent == 0 && budget.left == 100)
    budget.spend(30)
    budget.look(moment("2026-11-22T00:00:00Z"))
    #expect(budget.spent == 30)
    budget.spend(.max)
    #expect(budget.left == 0)
  }

  @Test("a server's wish holds for ten minutes, for all but alarms")
  func wish() {
    var limits = TrafficLimits(rules: TrafficRules())
    limits.wish(BitRate("8kbit/s")!, now: .zero)
    limits.took(40_000, .live, now: .zero, Self.noon)
    #expect(limits.permit(.live, now: .zero, Self.noon) != .go)
    limits.wish(BitRate("8kbit/s")!, now: .seconds(1))
    #expect(limits.permit(.live, now: .seconds(2), Self.noon) != .go)
    #expect(limits.permit(.alarm, now: .seconds(2), Self.noon) == .go)
    limits.took(10_000_000, .live, now: .seconds(2), Self.noon)
    #expect(limits.permit(.live, now: .minutes(9), Self.noon) != .go)
    #expect(limits.permit(.live, now: .minutes(11), Self.noon) == .go)
  }

  @Test("on a link of 64 kbit/s a whole batch is too long, over a satellite it isn't")
  func gauge() {
    var link = LinkGauge()
    #expect(!link.isTooLong(16_384))
    link.measured(bytes: 7_600, trip: 0.05)
    #expect(link.isTooLong(16_384) && link.isTooLong(9_000))
    #expect(!link.isTooLong(7_000))
    #expect(!link.isTooLong(LinkGauge.smallest))
    var satellite = LinkGauge()
    satellite.measured(bytes: 24_000, trip: 0.6)
    #expect(!satellite.isTooLong(16_384))
    // It recovers.
    for _ in 0..<4 { link.measured(bytes: 1_000_000, trip: 0.01) }
    #expect(!link.isTooLong(16_384))
  }

  @Test("the estimate of the wire covers packets, TLS and connections")
  func wire() {
    #expect(WireBytes.estimate(sent: 1400, received: 200, newConnections: 0, isTLS: false) == 1400 + 200 + 120)
    #expect(WireBytes.estimate(sent: 0, received: 0, newConnections: 1, isTLS: false) == 240)
    #expect(
      WireBytes.estimate(sent: 16_384, received: 1, newConnections: 1, isTLS: true) == 16_385 + 13 * 60 + 58 + 6_240)
  }
}
