import Telemetry

/// Figures that depend on the order of their readings: they are folded in order of time.
protocol OrderedFigures {
  associatedtype Reading

  /// Readings that were folded.
  var count: Int { get }
  /// The time of the last of them.
  var lastTime: Timestamp { get }

  init()

  /// Takes the next reading; none before it was later.
  mutating func fold(_ reading: Reading, at time: Timestamp)
}

/// What an open window keeps of a series whose figures depend on the order of readings.
///
/// The latest readings wait in order of time, so that one that comes a little late still finds its place; older ones are
/// folded for good. A reading older than those has its window computed again from the journal.
struct OrderedReadings<Figures: OrderedFigures> {
  private struct Waiting {
    let time: Timestamp
    let reading: Figures.Reading
  }

  private var folded = Figures()
  private var waiting: [Waiting] = []

  /// A late reading mostly comes after the device's next one or two.
  private static var few: Int { 4 }
  /// As many as most series report in a window.
  private static var usual: Int { 16 }
  /// What is sent twice comes twice within half a second, and a device in trouble sends many at once.
  private static var many: Int { 32 }

  /// - Parameter isRoomy: there is memory for more than `few` readings, though the series reports seldom.
  /// - Returns: false where the reading is older than what is folded already.
  mutating func add(_ reading: Figures.Reading, at time: Timestamp, isRoomy: Bool) -> Bool {
    let isFrequent = folded.count + waiting.count > OrderedReadings.usual
    let most = isRoomy || isFrequent ? OrderedReadings.many : OrderedReadings.few
    if waiting.count >= most { foldOldest() }
    var place = waiting.endIndex
    // After those of the same time: ties go by arrival.
    while place > 0, waiting[place - 1].time > time { place -= 1 }
    if place == 0, folded.count > 0, time < folded.lastTime { return false }
    if waiting.count == waiting.capacity {
      // In few steps, which leave few holes in the heap.
      let sizes = [OrderedReadings.few, OrderedReadings.usual, OrderedReadings.many]
      waiting.reserveCapacity(sizes.first { $0 > waiting.count } ?? most)
    }
    waiting.insert(Waiting(time: time, reading: reading), at: place)
    return true
  }

  private mutating func foldOldest() {
    let count = waiting.count / 4
    for oldest in waiting.prefix(count) { folded.fold(oldest.reading, at: oldest.time) }
    waiting.removeFirst(count)
  }

  /// The time of the latest reading; `nil` where there is none.
  var latest: Timestamp? { waiting.last?.time }

  /// Of all readings so far.
  var figures: Figures {
    var figures = folded
    for next in waiting { figures.fold(next.reading, at: next.time) }
    return figures
  }
}
