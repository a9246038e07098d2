import Telemetry

/// A closed window as bytes: some ten for each series, and one to three for each value that is kept as it is.
///
/// Series are named by their place in a list that the caller keeps for each device and only ever appends to.
extension WindowContent {
  private static let version: UInt8 = 1

  private struct Flags: OptionSet {
    let rawValue: UInt8
    static let partial = Flags(rawValue: 1)
    static let shared = Flags(rawValue: 2)
    static let heard = Flags(rawValue: 4)
    static let faults = Flags(rawValue: 8)
    static let offsets = Flags(rawValue: 16)
    static let known = Flags(rawValue: 32)
  }

  /// - Parameter place: of a series in the device's list.
  public func packed(from start: Timestamp, place: (Series) -> Int) -> [UInt8] {
    var writer = PackedWriter()
    writer.byte(WindowContent.version)
    var flags: Flags = []
    if isPartial { flags.insert(.partial) }
    if !shared.isEmpty { flags.insert(.shared) }
    if presence.first != nil { flags.insert(.heard) }
    if duplicates > 0 || quarantined > 0 { flags.insert(.faults) }
    if offsets != OffsetFigures() { flags.insert(.offsets) }
    if heardBefore != nil { flags.insert(.known) }
    writer.byte(flags.rawValue)
    writer.byte(quality == .trusted ? 0 : quality == .corrected ? 1 : 2)
    writer.count(received)
    if let heardBefore { writer.time(heardBefore, from: start) }
    if flags.contains(.shared) {
      writer.count(shared.count)
      for count in shared { writer.count(count) }
    }
    if let first = presence.first, let last = presence.last {
      writer.time(first, from: start)
      writer.time(last, from: start)
      writer.count(presence.gaps.count)
      for gap in presence.gaps {
        writer.time(gap.start, from: start)
        writer.time(gap.end, from: start)
      }
      writer.count(presence.more)
    }
    if flags.contains(.faults) {
      writer.count(duplicates)
      writer.count(quarantined)
    }
    if flags.contains(.offsets) {
      writer.count(offsets.near)
      writer.sketch(offsets.far)
    }
    for entry in entries {
      writer.count(place(entry.series))
      writer.figures(entry.figures, from: start)
    }
    return writer.bytes
  }

  /// `nil` where the bytes aren't ours. Entries whose place is in no list are left out.
  public init?(packed bytes: [UInt8], from start: Timestamp, list: [Series]) {
    var reader = PackedReader(bytes)
    guard reader.byte() == WindowContent.version, let raw = reader.byte(), let rank = reader.byte(),
      let received = reader.count()
    else { return nil }
    let flags = Flags(rawValue: raw)
    self.init()
    isPartial = flags.contains(.partial)
    quality = rank == 0 ? .trusted : rank == 1 ? .corrected : .untrusted
    self.received = received
    isBegun = true
    if flags.contains(.known) {
      guard let time = reader.time(from: start) else { return nil }
      heardBefore = time
    }
    if flags.contains(.shared) {
      guard let count = reader.count(), count < 64 else { return nil }
      for _ in 0..<count {
        guard let value = reader.count() else { return nil }
        shared.append(value)
      }
    }
    if flags.contains(.heard) {
      guard let presence = reader.presence(from: start) else { return nil }
      self.presence = presence
    }
    if flags.contains(.faults) {
      guard let duplicates = reader.count(), let quarantined = reader.count() else { return nil }
      (self.duplicates, self.quarantined) = (duplicates, quarantined)
    }
    if flags.contains(.offsets) {
      guard let near = reader.count(), let far = reader.sketch() else { return nil }
      offsets = OffsetFigures(near: near, far: far)
    }
    while !reader.isAtEnd {
      guard let place = reader.count(), let figures = reader.figures(from: start) else { return nil }
      if list.indices.contains(place) { entries.append(Entry(series: list[place], figures: figures)) }
    }
  }
}

extension PackedWriter {
  fileprivate mutating func sum(_ sum: CompensatedSum) {
    number(sum.sum)
    number(sum.compensation)
  }

  /// Values in sorted order, or buckets with the distance from one to the next.
  fileprivate mutating func sketch(_ sketch: Sketch) {
    count(sketch.exact.count)
    for value in sketch.sortedExact { number(value) }
    guard sketch.exact.isEmpty else { return }
    count(Int(sketch.zeros))
    for buckets in [sketch.positive, sketch.negative] {
      count(buckets.count)
      var last: Int32 = 0
      for bucket in buckets {
        signed(Int64(bucket.key) - Int64(last))
        count(Int(bucket.count))
        last = bucket.key
      }
    }
  }

  fileprivate mutating func figures(_ figures: SeriesFigures, from start: Timestamp) {
    switch figures {
    case .gauge(let gauge):
      byte(0)
      number(gauge.first)
      number(gauge.last)
      time(gauge.firstTime, from: start)
      time(gauge.lastTime, from: start)
      sketch(gauge.sketch)
      count(gauge.sums.count)
      for sums in gauge.sums {
        number(sums.minimum)
        number(sums.maximum)
        for part in [sums.sum, sums.squares, sums.first, sums.second] { sum(part) }
      }
    case .counter(let counter):
      byte(1)
      count(counter.count)
      number(counter.first)
      number(counter.last)
      time(counter.firstTime, from: start)
      time(counter.lastTime, from: start)
      number(counter.growth.increase)
      count(counter.growth.resets)
    case .state(let state):
      byte(2)
      count(state.count)
      count(state.changes)
      text(state.firstState ?? "")
      text(state.lastState)
      byte(state.carried == nil ? 0 : 1)
      if let carried = state.carried { text(carried) }
      time(state.firstTime, from: start)
      time(state.lastTime, from: start)
      count(state.held.count)
      for stretch in state.held {
        text(stretch.state)
        time(start + stretch.span, from: start)
      }
    case .event(let total):
      byte(3)
      sum(total)
    }
  }
}

extension PackedReader {
  fileprivate mutating func presence(from start: Timestamp) -> Presence? {
    guard let first = time(from: start), let last = time(from: start), let count = count(),
      count <= Presence.maximum
    else { return nil }
    var gaps: [Presence.Gap] = []
    for _ in 0..<count {
      guard let from = time(from: start), let to = time(from: start) else { return nil }
      gaps.append(Presence.Gap(start: from, end: to))
    }
    return self.count().map { Presence(first: first, last: last, gaps: gaps, more: $0) }
  }

  fileprivate mutating func sum() -> CompensatedSum? {
    guard let sum = number(), let compensation = number() else { return nil }
    return CompensatedSum(sum: sum, compensation: compensation)
  }

  fileprivate mutating func sketch() -> Sketch? {
    guard let few = count(), few <= Sketch.exactCount else { return nil }
    guard few == 0 else {
      var values: [Double] = []
      for _ in 0..<few {
        guard let value = number() else { return nil }
        values.append(value)
      }
      return Sketch(exact: values)
    }
    guard let zeros = count().flatMap({ UInt32(exactly: $0) }), let positive = buckets(), let negative = buckets()
    else { return nil }
    return Sketch(positive: positive, negative: negative, zeros: zeros)
  }

  private mutating func buckets() -> [Sketch.Bucket]? {
    guard let count = count(), count <= 1 << 16 else { return nil }
    var buckets: [Sketch.Bucket] = []
    var key: Int64 = 0
    for _ in 0..<count {
      guard let step = signed(), let many = self.count().flatMap({ UInt32(exactly: $0) }) else { return nil }
      key &+= step
      guard let exact = Int32(exactly: key) else { return nil }
      buckets.append(Sketch.Bucket(key: exact, count: many))
    }
    return buckets
  }

  fileprivate mutating func figures(from start: Timestamp) -> SeriesFigures? {
    switch byte() {
    case 0: gauge(from: start).map(SeriesFigures.gauge)
    case 1: counter(from: start).map(SeriesFigures.counter)
    case 2: state(from: start).map(SeriesFigures.state)
    case 3: sum().map(SeriesFigures.event)
    default: nil
    }
  }

  private mutating func gauge(from start: Timestamp) -> GaugeFigures? {
    guard let first = number(), let last = number(), let firstTime = time(from: start),
      let lastTime = time(from: start), let sketch = sketch(), let count = count(), count < 2
    else { return nil }
    var gauge = GaugeFigures()
    (gauge.first, gauge.last, gauge.firstTime, gauge.lastTime) = (first, last, firstTime, lastTime)
    gauge.sketch = sketch
    if count == 1 {
      guard let minimum = number(), let maximum = number(), let sum = sum(), let squares = self.sum(),
        let one = self.sum(), let two = self.sum()
      else { return nil }
      gauge.sums = [
        GaugeFigures.Sums(minimum: minimum, maximum: maximum, sum: sum, squares: squares, first: one, second: two)
      ]
    }
    return gauge
  }

  private mutating func counter(from start: Timestamp) -> CounterFigures? {
    guard let count = count(), let first = number(), let last = number(), let firstTime = time(from: start),
      let lastTime = time(from: start), let increase = number(), let resets = self.count()
    else { return nil }
    return CounterFigures(
      count: count, first: first, firstTime: firstTime, last: last, lastTime: lastTime,
      growth: CounterGrowth(increase: increase, resets: resets))
  }

  private mutating func state(from start: Timestamp) -> StateFigures? {
    guard let count = count(), let changes = self.count(), let first = text(), let last = text(),
      let hasCarried = byte()
    else { return nil }
    var state = StateFigures()
    if hasCarried == 1 {
      guard let carried = text() else { return nil }
      state.carried = carried
    }
    guard let firstTime = time(from: start), let lastTime = time(from: start), let many = self.count(),
      many <= StateFigures.maximumStates + 1
    else { return nil }
    (state.count, state.changes, state.firstState, state.lastState) = (count, changes, first, last)
    (state.firstTime, state.lastTime) = (firstTime, lastTime)
    for _ in 0..<many {
      guard let name = text(), let end = time(from: start) else { return nil }
      state.held.append(StateFigures.Stretch(state: name, span: end - start))
    }
    return state
  }
}
