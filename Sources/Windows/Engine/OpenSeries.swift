import Telemetry

/// What an open window keeps of a device's series.
struct OpenSeries {
  private var gauges = SeriesColumn<GaugeFigures>()
  private var counters = SeriesColumn<CounterFigures>()
  private var states = SeriesColumn<StateFigures>()
  private var events = SeriesColumn<CompensatedSum>()

  /// Adds readings of one message. False where one came out of order and the order matters.
  mutating func add(_ observations: [Observation]) -> Bool {
    if gauges.entries.isEmpty, counters.entries.isEmpty, states.entries.isEmpty { reserve(observations) }
    var isOrdered = true
    for index in observations.indices where !add(observations[index], retained: false) { isOrdered = false }
    return isOrdered
  }

  /// Room for the series of the device's first message, and no more: most messages bring the same.
  private mutating func reserve(_ observations: [Observation]) {
    func count(_ kind: MetricKind) -> Int { observations.count { $0.series.kind == kind } }
    gauges.entries.reserveCapacity(count(.gauge))
    counters.entries.reserveCapacity(count(.counter))
    states.entries.reserveCapacity(count(.state))
  }

  /// False where it came out of order and the order matters.
  mutating func add(_ observation: Observation, retained: Bool) -> Bool {
    let series = observation.series
    switch (series.kind, observation.value) {
    case (.gauge, .number(let value)):
      let position = gauges.position(of: series) { GaugeFigures() }
      gauges.entries[position].figures.add(value, at: observation.time, unit: series.unit)
      return true
    case (.counter, .number(let value)):
      let position = counters.position(of: series) { CounterFigures() }
      return counters.entries[position].figures.add(value, at: observation.time)
    case (.state, .state(let state)):
      let position = states.position(of: series) { StateFigures() }
      return states.entries[position].figures.add(state, at: observation.time, retained: retained)
    case (.event, .event(let count, _)):
      let position = events.position(of: series) { CompensatedSum() }
      events.entries[position].figures.add(count)
      return true
    default:
      // A series has one kind, and its decoder yields that kind's values.
      return true
    }
  }

  /// The time from which on a state of this series is known here; `nil` where none is.
  func knownState(of series: Series) -> Timestamp? {
    guard let known = states.entries.first(where: { $0.series === series }), known.figures.firstState != nil else {
      return nil
    }
    return known.figures.lastTime
  }

  /// What the next window must know, put in place of what was known before this one.
  func carry(into carries: inout Carries) {
    for entry in counters.entries { carries[entry.series.index] = entry.figures.carry }
    for entry in states.entries {
      if let carry = entry.figures.carry { carries[entry.series.index] = carry }
    }
  }

  /// All of them as they stand, kind by kind.
  var entries: [WindowContent.Entry] {
    var all: [WindowContent.Entry] = []
    all.reserveCapacity(gauges.entries.count + counters.entries.count + states.entries.count + events.entries.count)
    for entry in gauges.entries { all.append(.init(series: entry.series, figures: .gauge(entry.figures))) }
    for entry in counters.entries { all.append(.init(series: entry.series, figures: .counter(entry.figures))) }
    for entry in states.entries { all.append(.init(series: entry.series, figures: .state(entry.figures))) }
    for entry in events.entries { all.append(.init(series: entry.series, figures: .event(entry.figures))) }
    return all
  }
}
