import Telemetry

/// The summaries of a stream, computed from the whole list of messages at once. Shares no code with the windows.
struct BruteForce {
  struct Key: Hashable {
    var device: String
    var start: Int64
  }

  struct Expected {
    var received = 0
    var gauge: (count: Int, min: Double, max: Double, mean: Double, first: Double, last: Double, median: Double)?
    var counter: (count: Int, first: Double, last: Double, increase: Double, resets: Int)?
    var state: (count: Int, last: String, changes: Int, seconds: [String: Double])?
  }

  private struct Reading<Value> {
    var time: Int64
    var arrival: Int
    var value: Value
  }

  /// Windows that end `grace` before `end`, of every device from its first reading on.
  static func summaries(
    _ messages: [StreamMessage], through end: Timestamp, grace: Span, length: Span
  ) -> [Key: Expected] {
    var result: [Key: Expected] = [:]
    let step = length.nanoseconds
    let horizon = (end - grace).nanoseconds / step * step
    for device in Set(messages.map(\.device)) {
      let own = messages.enumerated().filter { $0.element.device == device && hasReading($0.element) }
      guard let first = own.map(\.element.time.nanoseconds).min() else { continue }
      let gauges = sorted(own) { $0.gauge }
      let counters = sorted(own) { $0.counter }
      let states = sorted(own) { $0.state }
      var start = first / step * step
      while start < horizon {
        let range = start..<start + step
        var expected = Expected()
        expected.received = own.count { range.contains($0.element.time.nanoseconds) }
        expected.gauge = gauge(gauges.filter { range.contains($0.time) })
        expected.counter = counter(
          counters.filter { range.contains($0.time) }.map(\.value), before: counters.last { $0.time < start }?.value)
        expected.state = state(
          states.filter { range.contains($0.time) }, before: states.last { $0.time < start }?.value, range)
        result[Key(device: device, start: start)] = expected
        start += step
      }
    }
    return result
  }

  private static func hasReading(_ message: StreamMessage) -> Bool {
    message.gauge != nil || message.counter != nil || message.state != nil
  }

  private static func sorted<Value>(
    _ messages: [(offset: Int, element: StreamMessage)], _ value: (StreamMessage) -> Value?
  ) -> [Reading<Value>] {
    messages.compactMap { offset, message in
      value(message).map { Reading(time: message.time.nanoseconds, arrival: offset, value: $0) }
    }.sorted { ($0.time, $0.arrival) < ($1.time, $1.arrival) }
  }

  private static func gauge(_ readings: [Reading<Double>]) -> (Int, Double, Double, Double, Double, Double, Double)? {
    guard let first = readings.first, let last = readings.last else { return nil }
    let values = readings.map(\.value).sorted()
    // Ties of the smallest time go to the earliest arrival, of the greatest to the latest: sorted so already.
    return (
      values.count, values[0], values[values.count - 1], values.reduce(0, +) / Double(values.count), first.value,
      last.value, values[(values.count + 1) / 2 - 1]
    )
  }

  private static func counter(_ values: [Double], before: Double?) -> (Int, Double, Double, Double, Int)? {
    guard let first = values.first, let last = values.last else { return nil }
    var increase = 0.0
    var resets = 0
    var previous = before
    for value in values {
      if let previous {
        if value < previous {
          resets += 1
          increase += value
        } else {
          increase += value - previous
        }
      }
      previous = value
    }
    return (values.count, first, last, increase, resets)
  }

  private static func state(
    _ readings: [Reading<String>], before: String?, _ range: Range<Int64>
  ) -> (Int, String, Int, [String: Double])? {
    var seconds: [String: Double] = [:]
    var changes = 0
    var current = before
    var since = range.lowerBound
    for reading in readings {
      if let current {
        if reading.time > since { seconds[current, default: 0] += Double(reading.time - since) / 1e9 }
        if current != reading.value { changes += 1 }
      }
      current = reading.value
      since = reading.time
    }
    guard let last = current else { return nil }
    seconds[last, default: 0] += Double(range.upperBound - since) / 1e9
    return (readings.count, last, changes, seconds)
  }
}
