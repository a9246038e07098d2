import Telemetry

/// What a window keeps of a running total.
///
/// Growth depends on the order of readings, so this folds them in order of time, and says where one came out of order:
/// such a window is computed again from the journal before it is sealed.
struct CounterAccumulator: Sendable {
  private(set) var count = 0
  private(set) var first = 0.0
  private(set) var last = 0.0
  private(set) var lastTime = Timestamp(nanoseconds: .min)
  private(set) var growth = CounterGrowth()

  /// False where the reading is older than one before it.
  mutating func add(_ value: Double, at time: Timestamp) -> Bool {
    guard count == 0 || time >= lastTime else {
      count += 1
      return false
    }
    if count == 0 { first = value } else { growth.step(from: last, to: value) }
    count += 1
    last = value
    lastTime = time
    return true
  }
}

/// How far a counter has grown, through resets and wraps.
struct CounterGrowth: Sendable {
  private(set) var increase = 0.0
  private(set) var resets = 0

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
}
