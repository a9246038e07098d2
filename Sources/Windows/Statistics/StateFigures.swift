import Telemetry

/// What a window keeps of a state: how long each held, folded in order of time (see `CounterFigures`).
struct StateFigures: OrderedFigures, Sendable, Equatable {
  struct Stretch: Sendable, Equatable {
    var state: String
    var span: Span
  }

  struct Holder: Sendable, Equatable {
    var state: String
    var devices: Int
  }

  /// Readings; a retained state sets, and counts nothing (see `OpenSeries`).
  var count = 0
  var changes = 0
  /// `nil` while none is known.
  var firstState: String?
  var firstTime = Timestamp(nanoseconds: 0)
  var lastState = ""
  var lastTime = Timestamp(nanoseconds: 0)
  /// While open, closed stretches only; the last state's own is still running.
  var held: [Stretch] = []
  /// The state that held when the window began; `nil` where none was known.
  var carried: String?
  /// For a group: in which state how many devices are at the end.
  var holders: [Holder] = []

  /// More states than any real device has: what comes beyond is held under one name, so that a device that sends
  /// free text as a state can't fill the memory.
  static let maximumStates = 64
  static let overflow = "(other)"

  mutating func fold(_ state: String, at time: Timestamp) {
    count += 1
    if firstState == nil {
      (firstState, firstTime) = (state, time)
    } else {
      hold(lastState, time - lastTime)
      if state != lastState { changes += 1 }
    }
    (lastState, lastTime) = (state, time)
  }

  /// What the next window must know, before this one is closed; `nil` where no state is known.
  var carry: Carry? { firstState == nil ? nil : Carry(value: .state(lastState), time: lastTime) }

  /// The carried state holds from the start to the first reading, the last one to the end. Nothing can be added
  /// afterwards, but other closed windows.
  mutating func close(after carry: Carry?, start: Timestamp, end: Timestamp) {
    var carried: String?
    if case .state(let state)? = carry?.value { carried = state }
    self.carried = carried
    if let first = firstState {
      hold(lastState, end - lastTime)
      if let carried {
        hold(carried, firstTime - start)
        if carried != first { changes += 1 }
      }
    } else if let carried, let carry {
      firstState = carried
      (lastState, lastTime, firstTime) = (carried, carry.time, carry.time)
      hold(carried, end - start)
    }
  }

  /// Before the closed window that is going to be joined, nothing was written down for so long, and it knows what held.
  mutating func fill(_ missing: Span, before other: StateFigures) {
    if let carried = other.carried { hold(carried, missing) }
  }

  /// After the last window nothing was written down for so long.
  mutating func extend(by missing: Span) {
    if firstState != nil { hold(lastState, missing) }
  }

  /// Joins another closed window of the series.
  mutating func merge(_ other: StateFigures) {
    guard let otherFirst = other.firstState else { return }
    if firstState == nil { carried = other.carried }
    if firstState == nil || other.firstTime < firstTime { (firstState, firstTime) = (otherFirst, other.firstTime) }
    if lastState.isEmpty || other.lastTime >= lastTime { (lastState, lastTime) = (other.lastState, other.lastTime) }
    count += other.count
    changes += other.changes
    for stretch in other.held { hold(stretch.state, stretch.span) }
  }

  /// Joins the closed window of one more device of a group.
  mutating func join(_ member: StateFigures) {
    guard member.firstState != nil else { return }
    merge(member)
    if let index = holders.firstIndex(where: { $0.state == member.lastState }) {
      holders[index].devices += 1
    } else {
      let isRoom = holders.count < StateFigures.maximumStates
      let state = isRoom ? member.lastState : StateFigures.overflow
      if let index = holders.firstIndex(where: { $0.state == state }) {
        holders[index].devices += 1
      } else {
        holders.append(Holder(state: state, devices: 1))
      }
    }
  }

  /// Joins a reading whose window is closed and whose messages are gone: how long it held can only be said where it is
  /// the last.
  mutating func mergeLate(_ state: String, at time: Timestamp, end: Timestamp) {
    count += 1
    guard firstState != nil else {
      (firstState, firstTime, lastState, lastTime) = (state, time, state, time)
      hold(state, end - time)
      return
    }
    guard time >= lastTime else { return }
    if state != lastState {
      changes += 1
      hold(lastState, Span(nanoseconds: -(end - time).nanoseconds))
      hold(state, end - time)
    }
    (lastState, lastTime) = (state, time)
  }

  private mutating func hold(_ state: String, _ span: Span) {
    if let index = held.firstIndex(where: { $0.state == state }) {
      held[index].span.nanoseconds += span.nanoseconds
    } else if span > .zero {
      if held.count < StateFigures.maximumStates || state == StateFigures.overflow {
        held.append(Stretch(state: state, span: span))
      } else {
        hold(StateFigures.overflow, span)
      }
    }
  }
}
