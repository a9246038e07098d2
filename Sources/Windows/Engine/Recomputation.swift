import Telemetry

/// One device's window, computed from all its readings at once, in any order.
///
/// The pure function that every sealed window must equal: readings by time, ties by arrival.
public struct Recomputation {
  let window: DeviceWindow

  /// What one message says of the device in the window.
  public struct Arrival {
    /// None where the message could not be understood at all.
    public var readings: [Observation]
    public var message: MessageContext
    /// The nearest earlier window that holds readings of the same message.
    public var earlier: Timestamp?

    public init(_ readings: [Observation], _ message: MessageContext, earlier: Timestamp? = nil) {
      self.readings = readings
      self.message = message
      self.earlier = earlier
    }
  }

  /// - Parameters:
  ///   - arrivals: all messages of the device in the window, in the order in which they came.
  ///   - carries: as they stood before the window.
  ///   - longer: the longer lengths.
  public init(device: Device, start: Timestamp, arrivals: [Arrival], carries: Carries, longer: [Span] = []) {
    window = DeviceWindow(device: device, isRoomy: false)
    var known: [Int: Timestamp] = carries.compactMapValues { if case .state = $0.value { $0.time } else { nil } }
    var kept: [(reading: Observation, retained: Bool, arrival: Int)] = []
    kept.reserveCapacity(arrivals.count)
    var heard: [Timestamp] = []
    for arrival in arrivals {
      let message = arrival.message
      if arrival.readings.isEmpty {
        window.quarantine()
        heard.append(message.receivedAt)
      } else if !message.retained {
        window.count(
          message, start: start, earlier: arrival.earlier, longer: longer,
          bearsTime: arrival.readings[0].timeSource == .payload)
      }
      for reading in arrival.readings {
        if reading.series.kind == .state {
          let last = known[reading.series.index]
          if message.retained, let last, reading.timeSource == .received || last >= reading.time { continue }
          known[reading.series.index] = max(last ?? reading.time, reading.time)
        } else if message.retained {
          continue
        }
        kept.append((reading, message.retained, kept.count))
        if !message.retained { heard.append(reading.time) }
      }
    }
    kept.sort { a, b in
      a.reading.time != b.reading.time ? a.reading.time < b.reading.time : a.arrival < b.arrival
    }
    // In order, so that of many gaps the earliest are known.
    for time in heard.sorted() { window.hear(at: time) }
    for (reading, retained, _) in kept { if retained { window.set(reading) } else { window.add(reading) } }
  }
}
