import Telemetry

/// What a window keeps of one series, by its kind.
enum SeriesFigures: Sendable, Equatable {
  case gauge(GaugeFigures)
  case counter(CounterFigures)
  case state(StateFigures)
  case event(CompensatedSum)

  init(_ kind: MetricKind) {
    switch kind {
    case .gauge: self = .gauge(GaugeFigures())
    case .counter: self = .counter(CounterFigures())
    case .state: self = .state(StateFigures())
    case .event: self = .event(CompensatedSum())
    }
  }

  /// What the next window must know of this one, before it is closed; `nil` for kinds that carry nothing.
  var carry: Carry? {
    switch self {
    case .counter(let counter): counter.carry
    case .state(let state): state.carry
    case .gauge, .event: nil
    }
  }

  mutating func close(after carry: Carry?, start: Timestamp, end: Timestamp) {
    switch self {
    case .counter(var counter):
      counter.close(after: carry)
      self = .counter(counter)
    case .state(var state):
      state.close(after: carry, start: start, end: end)
      self = .state(state)
    case .gauge, .event: break
    }
  }

  /// Nothing was written down for so long after the last window that was joined.
  mutating func extend(by missing: Span) {
    guard case .state(var state) = self else { return }
    state.extend(by: missing)
    self = .state(state)
  }

  /// Joins a closed window of the same kind.
  ///
  /// - Parameters:
  ///   - asMember: it is another device of a group, and not another window of the series.
  ///   - missing: for how long nothing was written down before the other window.
  mutating func merge(_ other: SeriesFigures, unit: String, asMember: Bool, missing: Span = .zero) {
    switch (self, other) {
    case (.gauge(var gauge), .gauge(let more)):
      self = .event(CompensatedSum())
      gauge.merge(more, GaugeFigures.Scale(unit: unit))
      self = .gauge(gauge)
    case (.counter(var counter), .counter(let more)):
      counter.merge(more)
      self = .counter(counter)
    case (.state(var state), .state(let more)):
      self = .event(CompensatedSum())
      state.fill(missing, before: more)
      if asMember { state.join(more) } else { state.merge(more) }
      self = .state(state)
    case (.event(var sum), .event(let more)):
      sum.merge(more)
      self = .event(sum)
    default: break
    }
  }

  /// Joins a reading whose window is closed and whose messages are gone.
  mutating func mergeLate(
    _ value: Observation.Value, at time: Timestamp, unit: String, end: Timestamp
  ) {
    switch (self, value) {
    case (.gauge(var gauge), .number(let number)):
      gauge.add(number, at: time, unit: unit)
      self = .gauge(gauge)
    case (.counter(var counter), .number(let number)):
      counter.mergeLate(number, at: time)
      self = .counter(counter)
    case (.state(var state), .state(let name)):
      state.mergeLate(name, at: time, end: end)
      self = .state(state)
    case (.event(var sum), .event(let count, _)):
      sum.add(count)
      self = .event(sum)
    // A series has one kind, and its decoder yields that kind's values.
    default: break
    }
  }
}
