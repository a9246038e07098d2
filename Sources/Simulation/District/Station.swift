import Telemetry

/// A device with the misfortunes that befall it: silences, outages of its link, restarts, and the single readings
/// that go wrong. What it says in good times is its model's affair.
struct Station: Sendable {
  /// A device's memory for readings that it couldn't send; beyond it the oldest are overwritten. What small
  /// loggers have.
  private static let memory = 100
  /// Devices were there before the simulation, and say at one of so many first reports in what state they are. All at
  /// their first one would double the district's rate for as long as that takes.
  private static let introduction = 10

  private var model: any DeviceModel
  private var random: SeededRandom
  private let streams: [ReportStream]
  /// Reports of the first stream until the device says in what state it is; `nil` where it has.
  private var introducesIn: Int?
  private var silentUntil: Int64?
  private var lastPrimary: Int64?
  /// Reports of the first stream until the link is back.
  private var outageLeft: Int?
  private var kept: [Draft] = []

  init(model: any DeviceModel, random: SeededRandom) {
    self.model = model
    self.random = random
    streams = model.streams
    introducesIn = self.random.integer(0...Station.introduction - 1)
  }

  var name: String { model.name }

  var messagesPerSecond: Double { streams.reduce(0) { $0 + $1.messages / $1.interval.seconds } }

  func isSilent(at now: Int64) -> Bool { silentUntil.map { now < $0 } ?? false }

  /// Devices were switched on at all times, so that their first reports lie anywhere in their intervals.
  mutating func firstReports(pace: Double) -> [Int64] {
    streams.map { Int64($0.interval.seconds * 1e9 * pace * random.uniform()) }
  }

  /// Nanoseconds until the next report of a stream; at least one microsecond.
  mutating func interval(of stream: Int, pace: Double) -> Int64 {
    let stream = streams[stream]
    let factor = random.between(1 - stream.jitter, 1 + stream.jitter)
    return max(1000, Int64(stream.interval.seconds * 1e9 * pace * factor))
  }

  mutating func report(_ stream: Int, at moment: Moment, scenario: Scenario, drafts: inout [Draft]) {
    if let until = silentUntil {
      guard moment.at.nanoseconds >= until else { return }
      wake(at: moment)
    }
    if stream == 0, fallsSilent(at: moment, scenario: scenario, drafts: &drafts) { return }
    var said: [Draft] = []
    introduce(stream, at: moment, drafts: &said)
    if stream == 0, random.chance(scenario.reboots) { restart(at: moment) }
    model.report(stream, at: moment, random: &random, drafts: &said)
    if stream == 0 { moveOutage(scenario: scenario, drafts: &drafts) }
    let interval = streams[stream].interval.seconds * 1e9 * moment.pace
    for draft in said { pass(draft, interval: interval, scenario: scenario, drafts: &drafts) }
  }

  private mutating func introduce(_ stream: Int, at moment: Moment, drafts: inout [Draft]) {
    guard let left = introducesIn else { return }
    if left == 0 {
      introducesIn = nil
      model.connect(at: moment, random: &random, drafts: &drafts)
    } else if stream == 0 {
      introducesIn = left - 1
    }
  }

  // MARK: Silences and restarts

  private var hasRestarted = false

  private mutating func wake(at moment: Moment) {
    silentUntil = nil
    introducesIn = 0
    lastPrimary = moment.at.nanoseconds
    // Half of those that were away had lost power, the others only the link.
    if random.chance(0.5) { restart(at: moment) }
  }

  private mutating func restart(at moment: Moment) {
    model.restart(at: moment)
    hasRestarted = true
  }

  private mutating func fallsSilent(at moment: Moment, scenario: Scenario, drafts: inout [Draft]) -> Bool {
    let elapsed = lastPrimary.map { moment.at.nanoseconds - $0 } ?? 0
    lastPrimary = moment.at.nanoseconds
    guard random.chance(scenario.dropoutsPerHour * Double(elapsed) / 3.6e12) else { return false }
    let length = random.between(
      Double(scenario.dropoutShortest.nanoseconds), Double(scenario.dropoutLongest.nanoseconds))
    silentUntil = moment.at.nanoseconds + Int64(length)
    // The broker publishes the will when the keepalive is over; no device here has more than 30 s.
    let notice = min(length / 2, random.between(1e9, 45e9))
    for var will in model.will() {
      will.kind = .offline
      will.delay = Span(nanoseconds: Int64(notice))
      drafts.append(will)
    }
    return true
  }

  // MARK: Outages of the device's own link

  /// One step of an outage with each report of the first stream. At its end all that was kept comes at once, in
  /// order, before the present reading.
  private mutating func moveOutage(scenario: Scenario, drafts: inout [Draft]) {
    if let left = outageLeft {
      guard left == 0 else {
        outageLeft = left - 1
        return
      }
      outageLeft = nil
      drafts.append(contentsOf: kept)
      kept.removeAll()
    } else if model.keepsReadings, random.chance(scenario.outages) {
      outageLeft = random.integer(2...9)
    }
  }

  private mutating func keep(_ draft: Draft) {
    guard draft.nature == .dated else { return }
    if kept.count == Station.memory { kept.removeFirst() }
    var late = draft
    late.kind = .late
    late.delay = .zero
    kept.append(late)
  }

  // MARK: Single readings

  private mutating func pass(_ draft: Draft, interval: Double, scenario: Scenario, drafts: inout [Draft]) {
    guard outageLeft == nil else { return keep(draft) }
    guard draft.nature != .state else {
      drafts.append(draft)
      return
    }
    var draft = draft
    if draft.nature == .dated, model.hasWrongClock { draft.kind = .wrongClock }
    if hasRestarted {
      hasRestarted = false
      draft.kind = .reboot
    }
    if random.chance(scenario.rubbish) {
      draft.payload = Rubbish.make(from: draft.payload, random: &random)
      draft.kind = .rubbish
      draft.devices = []
      draft.time = nil
    } else if draft.nature == .dated, draft.delay == .zero, random.chance(scenario.outOfOrder) {
      draft.delay = Span(nanoseconds: Int64(interval * random.between(1.2, 2.6)))
      draft.kind = .outOfOrder
    }
    drafts.append(draft)
    if random.chance(scenario.duplicates) {
      if draft.kind != .rubbish { draft.kind = .duplicate }
      draft.delay = draft.delay + Span(nanoseconds: Int64(random.between(10e6, 400e6)))
      drafts.append(draft)
    }
  }
}
