import Telemetry

/// One device's window, computed from all its readings at once, in any order.
///
/// The pure function that every sealed window must equal: readings by time, ties by arrival.
public struct Recomputation {
  let window: DeviceWindow

  public struct Reading {
    public var observation: Observation
    public var message: MessageContext

    public init(_ observation: Observation, _ message: MessageContext) {
      self.observation = observation
      self.message = message
    }
  }

  /// - Parameters:
  ///   - arrivals: all readings of the device in the window, in the order in which they came.
  ///   - carries: as they stood before the window.
  public init(device: Device, arrivals: [Reading], carries: Carries) {
    window = DeviceWindow(device: device)
    var known: [Int: Timestamp] = carries.compactMapValues { if case .state = $0.value { $0.time } else { nil } }
    var kept: [(reading: Reading, arrival: Int)] = []
    kept.reserveCapacity(arrivals.count)
    for (arrival, reading) in arrivals.enumerated() {
      let series = reading.observation.series
      if series.kind == .state {
        let time = reading.observation.time
        let last = known[series.index]
        if reading.message.retained, let last,
          reading.observation.timeSource == .received || last >= time
        {
          continue
        }
        known[series.index] = max(last ?? time, time)
      } else if reading.message.retained {
        continue
      }
      kept.append((reading, arrival))
    }
    kept.sort { a, b in
      let (x, y) = (a.reading.observation.time, b.reading.observation.time)
      return x != y ? x < y : a.arrival < b.arrival
    }
    var messages: Set<Int64> = []
    for (reading, _) in kept {
      if reading.message.retained {
        window.set(reading.observation)
      } else {
        messages.insert(reading.message.sequence)
        window.add(reading.observation, message: reading.message.sequence, quality: reading.message.quality)
      }
    }
    // A message whose readings lie apart in time was counted each time it came up.
    window.received = messages.count
  }
}
