import Telemetry

/// One device in one window, while it gathers. A class, so that it is changed where it lies.
final class DeviceWindow {
  struct Entry {
    let series: Series
    var accumulator: SeriesAccumulator
  }

  let device: Device
  /// Distinct messages with at least one reading here.
  var received = 0
  /// The latest reading's time; `nil` while there is none.
  private(set) var lastReading: Timestamp?
  var quality = TimeQuality.trusted
  /// Set where order mattered and was broken: the figures must be computed again.
  private(set) var isDisordered = false
  private(set) var entries: [Entry] = []
  /// The message that was counted last: a message's readings come one after another.
  private var lastMessage: Int64 = -1
  /// Where the next reading probably belongs: messages repeat their series in the same order.
  private var next = 0

  init(device: Device) { self.device = device }

  /// - Parameter message: a number that differs from message to message.
  func add(_ observation: Observation, message: Int64, quality: TimeQuality) {
    if message != lastMessage {
      lastMessage = message
      received += 1
      self.quality = max(self.quality, quality)
    }
    lastReading = max(lastReading ?? observation.time, observation.time)
    place(observation, retained: false)
  }

  /// A retained state: no reading, no sign of life.
  func set(_ observation: Observation) { place(observation, retained: true) }

  private func place(_ observation: Observation, retained: Bool) {
    let index = position(of: observation.series)
    next = index + 1
    if !entries[index].accumulator.add(observation.value, at: observation.time, retained: retained) {
      isDisordered = true
    }
  }

  private func position(of series: Series) -> Int {
    if next < entries.count, entries[next].series === series { return next }
    if let index = entries.firstIndex(where: { $0.series === series }) { return index }
    entries.append(Entry(series: series, accumulator: SeriesAccumulator(series)))
    return entries.count - 1
  }

  /// The time from which on a state of this series is known here; `nil` where none is.
  func knownState(of series: Series) -> Timestamp? {
    for entry in entries where entry.series === series {
      if case .state(let state) = entry.accumulator, state.firstState != nil { return state.lastTime }
    }
    return nil
  }

  /// `carries` as they stand after this window.
  func carried(_ carries: Carries) -> Carries {
    var result = carries
    for entry in entries {
      if let carry = entry.accumulator.carry { result[entry.series.index] = carry }
    }
    return result
  }
}
