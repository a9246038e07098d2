import Telemetry

/// What a window keeps of a running total.
///
/// Growth depends on the order of readings, so they are folded in order of time.
struct CounterFigures: OrderedFigures, Sendable, Equatable {
  var count = 0
  var first = 0.0
  var firstTime = Timestamp(nanoseconds: .min)
  var last = 0.0
  var lastTime = Timestamp(nanoseconds: .min)
  var growth = CounterGrowth()

  mutating func fold(_ value: Double, at time: Timestamp) {
    if count == 0 { (first, firstTime) = (value, time) } else { growth.step(from: last, to: value) }
    count += 1
    (last, lastTime) = (value, time)
  }

  /// What the next window must know.
  var carry: Carry { Carry(value: .number(last), time: lastTime) }

  /// Counts from the last reading before the window. Nothing can be added afterwards, but other closed windows.
  mutating func close(after carry: Carry?) {
    guard case .number(let previous)? = carry?.value else { return }
    var before = CounterGrowth()
    before.step(from: previous, to: first)
    growth.merge(before)
  }

  /// Joins another closed window of the series, or another series.
  mutating func merge(_ other: CounterFigures) {
    guard other.count > 0 else { return }
    if count == 0 || other.firstTime < firstTime { (first, firstTime) = (other.first, other.firstTime) }
    if count == 0 || other.lastTime >= lastTime { (last, lastTime) = (other.last, other.lastTime) }
    count += other.count
    growth.merge(other.growth)
  }

  /// Joins a reading whose window is closed and whose messages are gone: between first and last it can't say more than
  /// they do.
  mutating func mergeLate(_ value: Double, at time: Timestamp) {
    guard count > 0 else { return fold(value, at: time) }
    count += 1
    if time >= lastTime {
      growth.step(from: last, to: value)
      (last, lastTime) = (value, time)
    } else if time < firstTime {
      (first, firstTime) = (value, time)
    }
  }
}

/// How far a counter has grown, through resets and wraps.
struct CounterGrowth: Sendable, Equatable {
  var increase = 0.0
  var resets = 0

  /// A counter of 32 bits that falls has wrapped where what it would have grown by is below 2^30, a quarter of its range;
  /// else it was reset, and has grown from 0.
  mutating func step(from previous: Double, to value: Double) {
    if value >= previous {
      increase += value - previous
      return
    }
    let wrapped = value + 4_294_967_296 - previous
    let is32Bit = previous < 4_294_967_296 && value >= 0 && previous.rounded() == previous && value.rounded() == value
    if is32Bit, wrapped < 1_073_741_824 {
      increase += wrapped
    } else {
      increase += value
      resets += 1
    }
  }

  mutating func merge(_ other: CounterGrowth) {
    increase += other.increase
    resets += other.resets
  }
}
