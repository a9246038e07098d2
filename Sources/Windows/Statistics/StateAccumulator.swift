import Telemetry

/// What a window keeps of a state: how long each held, folded in order of time (see `CounterAccumulator`).
struct StateAccumulator: Sendable {
  /// Readings; a retained state sets, and counts nothing.
  private(set) var count = 0
  private(set) var changes = 0
  private(set) var firstState: String?
  private(set) var firstTime = Timestamp(nanoseconds: 0)
  private(set) var lastState = ""
  private(set) var lastTime = Timestamp(nanoseconds: 0)
  /// Closed stretches; the last state's own is still running.
  private(set) var held: [(state: String, span: Span)] = []

  /// More states than any real device has: what comes beyond is held under one name, so that a device that sends
  /// free text as a state can't fill the memory.
  static let maximumStates = 64
  static let overflow = "(other)"

  /// False where the state is older than one before it.
  mutating func add(_ state: String, at time: Timestamp, retained: Bool) -> Bool {
    if !retained { count += 1 }
    guard firstState != nil else {
      firstState = state
      firstTime = time
      lastState = state
      lastTime = time
      return true
    }
    guard time >= lastTime else { return false }
    StateAccumulator.hold(&held, lastState, time - lastTime)
    if state != lastState { changes += 1 }
    lastState = state
    lastTime = time
    return true
  }

  static func hold(_ held: inout [(state: String, span: Span)], _ state: String, _ span: Span) {
    guard span > .zero else { return }
    if let index = held.firstIndex(where: { $0.state == state }) {
      held[index].span.nanoseconds += span.nanoseconds
    } else if held.count < maximumStates || state == overflow {
      held.append((state, span))
    } else {
      hold(&held, overflow, span)
    }
  }
}
