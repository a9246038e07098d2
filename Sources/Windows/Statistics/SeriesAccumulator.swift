import Telemetry

/// What a window keeps of one series, by its kind.
enum SeriesAccumulator: Sendable {
  case gauge(GaugeAccumulator)
  case counter(CounterAccumulator)
  case state(StateAccumulator)
  case event(count: CompensatedSum)

  init(_ series: Series) {
    switch series.kind {
    case .gauge: self = .gauge(GaugeAccumulator(unit: series.unit))
    case .counter: self = .counter(CounterAccumulator())
    case .state: self = .state(StateAccumulator())
    case .event: self = .event(count: CompensatedSum())
    }
  }

  /// False where the reading came out of order and the order matters.
  mutating func add(_ value: Observation.Value, at time: Timestamp, retained: Bool) -> Bool {
    // Each case is taken out and put back, so that its arrays are not shared and not copied.
    switch (self, value) {
    case (.gauge(var gauge), .number(let number)):
      self = .event(count: CompensatedSum())
      gauge.add(number, at: time)
      self = .gauge(gauge)
      return true
    case (.counter(var counter), .number(let number)):
      let ordered = counter.add(number, at: time)
      self = .counter(counter)
      return ordered
    case (.state(var state), .state(let name)):
      self = .event(count: CompensatedSum())
      let ordered = state.add(name, at: time, retained: retained)
      self = .state(state)
      return ordered
    case (.event(var sum), .event(let count, _)):
      sum.add(count)
      self = .event(count: sum)
      return true
    default:
      // A series has one kind, and its decoder yields that kind's values.
      return true
    }
  }

  /// What the next window must know of this one; `nil` for kinds that carry nothing.
  var carry: Carry? {
    switch self {
    case .counter(let counter): .init(value: .number(counter.last), time: counter.lastTime)
    case .state(let state): state.firstState == nil ? nil : .init(value: .state(state.lastState), time: state.lastTime)
    case .gauge, .event: nil
    }
  }
}
