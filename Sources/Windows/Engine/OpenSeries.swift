import Telemetry

/// What an open window keeps of a device's series.
struct OpenSeries {
  /// There is memory for more than the last few readings of each.
  private let isRoomy: Bool
  private var gauges = SeriesColumn<GaugeFigures>()
  private var counters = SeriesColumn<OrderedReadings<CounterFigures>>()
  private var states = SeriesColumn<OrderedReadings<StateFigures>>()
  private var events = SeriesColumn<CompensatedSum>()
  /// How many of a series' states were kept by the broker, by `Series.index`: they set the state, and count nothing.
  private var sets: [Int: Int] = [:]

  init(isRoomy: Bool) { self.isRoomy = isRoomy }

  /// Adds readings of one message. False where one came later than its place among the others can be told.
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

  /// False where it came later than its place among the others can be told.
  mutating func add(_ observation: Observation, retained: Bool) -> Bool {
    let series = observation.series
    switch (series.kind, observation.value) {
    case (.gauge, .number(let value)):
      let position = gauges.position(of: series) { GaugeFigures() }
      gauges.entries[position].kept.add(value, at: observation.time, unit: series.unit)
      return true
    case (.counter, .number(let value)):
      let position = counters.position(of: series) { OrderedReadings() }
      return counters.entries[position].kept.add(value, at: observation.time, isRoomy: isRoomy)
    case (.state, .state(let state)):
      let position = states.position(of: series) { OrderedReadings() }
      if retained { sets[series.index, default: 0] += 1 }
      return states.entries[position].kept.add(state, at: observation.time, isRoomy: isRoomy)
    case (.event, .event(let count, _)):
      let position = events.position(of: series) { CompensatedSum() }
      events.entries[position].kept.add(count)
      return true
    default:
      // A series has one kind, and its decoder yields that kind's values.
      return true
    }
  }

  /// The time from which on a state of this series is known here; `nil` where none is.
  func knownState(of series: Series) -> Timestamp? {
    states.entries.first { $0.series === series }?.kept.latest
  }

  /// All of them as they stand, kind by kind.
  var entries: [WindowContent.Entry] {
    var all: [WindowContent.Entry] = []
    all.reserveCapacity(gauges.entries.count + counters.entries.count + states.entries.count + events.entries.count)
    for entry in gauges.entries { all.append(.init(series: entry.series, figures: .gauge(entry.kept))) }
    for entry in counters.entries { all.append(.init(series: entry.series, figures: .counter(entry.kept.figures))) }
    for entry in states.entries {
      var figures = entry.kept.figures
      figures.count -= sets[entry.series.index] ?? 0
      all.append(.init(series: entry.series, figures: .state(figures)))
    }
    for entry in events.entries { all.append(.init(series: entry.series, figures: .event(entry.kept))) }
    return all
  }
}
