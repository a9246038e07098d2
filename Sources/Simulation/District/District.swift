import Telemetry

/// The traffic of a district, message by message, without end.
///
/// A pure function of its arguments: the same seed, scenario, start and rate give the same bytes in the same order.
/// The times inside payloads follow from `start`, never from a clock.
public struct District: Sequence, IteratorProtocol, Sendable {
  private struct Delayed: Sendable {
    let station: Int
    let draft: Draft
  }

  private let start: Timestamp
  private let scenario: Scenario
  private let pace: Double
  private var stations: [Station]
  private var queue = EventQueue()
  private var delayed: [Delayed?] = []
  private var free: [Int] = []
  private var ready: [Delayed] = []
  private var nextReady = 0
  private var now: Int64 = 0
  private var produced: UInt64 = 0

  /// - Parameters:
  ///   - start: the time at which the simulation begins, as its devices know it.
  ///   - rate: messages a second of the whole district, about; the intervals of all devices are stretched or
  ///     squeezed by the same factor. `nil` keeps the scenario's intervals.
  public init(seed: UInt64, scenario: Scenario, start: Timestamp, rate: Double? = nil) {
    self.start = start
    self.scenario = scenario
    var plan = DistrictPlan(seed: seed, scenario: scenario)
    stations = plan.stations()
    let natural = stations.reduce(0) { $0 + $1.messagesPerSecond } * (1 + scenario.duplicates)
    pace = rate.map { natural > 0 && $0 > 0 ? natural / $0 : 1 } ?? 1
    for index in stations.indices {
      for (stream, first) in stations[index].firstReports(pace: pace).enumerated() {
        queue.add(.report(station: Int32(index), stream: Int32(stream)), at: first)
      }
    }
  }

  /// All devices that will speak, power meters and Frigate boxes included.
  public var deviceNames: [String] { stations.map(\.name) }

  public mutating func next() -> PlannedMessage? {
    while nextReady == ready.count {
      ready.removeAll(keepingCapacity: true)
      nextReady = 0
      guard let entry = queue.popFirst() else { return nil }
      now = entry.at
      switch entry.event {
      case .report(let station, let stream): report(station: Int(station), stream: Int(stream))
      case .message(let place): release(place)
      }
    }
    let message = ready[nextReady]
    nextReady += 1
    produced += 1
    let draft = message.draft
    let device = stations[message.station].name
    return PlannedMessage(
      number: produced, at: Span(nanoseconds: now), topic: draft.topic, payload: draft.payload,
      retained: draft.isRetained, kind: draft.kind, device: device, devices: draft.devices ?? [device],
      time: believed(draft.time))
  }

  /// A gateway with a clock of its own takes no time before 2020 from a device, and none more than 5 minutes ahead.
  private func believed(_ time: Timestamp?) -> Timestamp? {
    let earliest = Timestamp(milliseconds: 1_577_836_800_000)
    let latest = start + Span(nanoseconds: now) + .minutes(5)
    return time.flatMap { (earliest...latest).contains($0) ? $0 : nil }
  }

  private mutating func report(station index: Int, stream: Int) {
    let at = Span(nanoseconds: now)
    let moment = Moment(at: at, time: start + at, pace: pace)
    let next = stations[index].interval(of: stream, pace: pace)
    queue.add(.report(station: Int32(index), stream: Int32(stream)), at: now + next)
    var drafts: [Draft] = []
    stations[index].report(stream, at: moment, scenario: scenario, drafts: &drafts)
    for draft in drafts {
      let message = Delayed(station: index, draft: draft)
      if draft.delay <= .zero {
        ready.append(message)
      } else {
        queue.add(.message(keep(message)), at: now + draft.delay.nanoseconds)
      }
    }
  }

  private mutating func keep(_ message: Delayed) -> Int {
    if let place = free.popLast() {
      delayed[place] = message
      return place
    }
    delayed.append(message)
    return delayed.count - 1
  }

  /// What a device had put off goes under when it has fallen silent meanwhile; only its will is heard.
  private mutating func release(_ place: Int) {
    guard let message = delayed[place] else { return }
    delayed[place] = nil
    free.append(place)
    if message.draft.kind == .offline || !stations[message.station].isSilent(at: now) { ready.append(message) }
  }
}
