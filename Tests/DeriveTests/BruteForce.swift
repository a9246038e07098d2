import Journal
import Telemetry
import Windows

/// The summaries of a stream, computed from the whole list of messages at once. Shares no code with the windows.
struct BruteForce {
  struct Key: Hashable {
    /// A device, or a group as `group:NAME`.
    var device: String
    var start: Int64
    var length: Int64
  }

  struct Expected {
    var received = 0
    var duplicates = 0
    var quarantined = 0
    var quality: Int?
    var gaps: [Range<Int64>] = []
    var gauge: (count: Int, min: Double, max: Double, mean: Double, first: Double, last: Double, median: Double)?
    var counter: (count: Int, first: Double, last: Double, increase: Double, resets: Int)?
    var state: (count: Int, last: String, changes: Int, seconds: [String: Double])?
    /// Of a group.
    var members = 0
    var reporting = 0
    var lastStates: [String: Int] = [:]
    /// Time has not passed it: what it counts from is not final.
    var isAhead = false
    /// It need not be there.
    var isOptional = false
  }

  /// How far ahead of the latest time a window may be and still wait for its end.
  private static let longestWait: Int64 = 300_000_000_000

  struct Rules {
    var trustsAll = true
    var grace = Span.seconds(2)
    var lengths = [RandomStream.length]
    var interval = Span.seconds(3)
    var lateness = Span.hours(24)
    var retirement = Span.hours(24)
    var groups = false
    /// By what groups go: the label says the same as the site.
    var groupWord = "site"
    /// A fault in what is expected, for tests of the tests.
    var planted: PlantedFault?

    /// Sites and labels in turn.
    mutating func groupKey(_ seed: Int) -> RollupRule.Key {
      groupWord = seed % 2 == 0 ? "zone" : "site"
      return seed % 2 == 0 ? .label("zone") : .site
    }
  }

  private struct Heard {
    var time: Int64
    var arrival: Int
    var quality: Int
    var bearsTime: Bool
    var message: StreamMessage
  }

  private struct Reading<Value> {
    var time: Int64
    var arrival: Int
    var value: Value
  }

  // MARK: Clocks

  /// When each segment was, as is known in the end, with the quality (0 trusted, 1 corrected, 2 untrusted); and the
  /// latest time that counts as passed.
  static func clocks(_ segments: [StreamSegment], _ rules: Rules) -> (times: [(time: Int64, quality: Int)], end: Int64)
  {
    var times: [(time: Int64, quality: Int)] = []
    var latest: Int64?
    var base: Int64 = 0
    var baseSince: Int64 = 0
    for (index, segment) in segments.enumerated() {
      let clock = segment.clock
      let (wall, since) = (clock.wall.nanoseconds, clock.sinceBoot.nanoseconds)
      if rules.trustsAll || clock.synchronised {
        if let known = latest, wall < known - 60_000_000_000 {
          latest = wall
        } else {
          latest = max(latest ?? wall, wall)
        }
        times.append((wall, 0))
        continue
      }
      // The nearest synchronised segment of the same boot: before it, else after it.
      let earlier = segments[..<index].last { $0.clock.synchronised || $0.clock.boot != clock.boot }
      if let earlier, earlier.clock.boot == clock.boot {
        let time = since + earlier.clock.wall.nanoseconds - earlier.clock.sinceBoot.nanoseconds
        times.append((time, 1))
        latest = max(latest ?? time, time)
        continue
      }
      if index == 0 || segments[index - 1].clock.boot != clock.boot {
        base = max(latest ?? wall, wall)
        baseSince = since
      }
      let then = max(wall, base + since - baseSince)
      latest = max(latest ?? then, then)
      let later = segments[index...].first { $0.clock.synchronised || $0.clock.boot != clock.boot }
      if let later, later.clock.boot == clock.boot {
        times.append((since + later.clock.wall.nanoseconds - later.clock.sinceBoot.nanoseconds, 1))
      } else {
        times.append((then, 2))
      }
    }
    return (times, latest ?? 0)
  }

  private static func floor(_ time: Int64, _ step: Int64) -> Int64 {
    let rest = time % step
    return time - (rest < 0 ? rest + step : rest)
  }

  // MARK: Windows

  static func summaries(_ segments: [StreamSegment], _ rules: Rules) -> [Key: Expected] {
    let (times, end) = clocks(segments, rules)
    var all: [String: [Heard]] = [:]
    var arrival = 0
    for (segment, clock) in zip(segments, times) {
      for message in segment.messages {
        arrival += 1
        let received = message.received.nanoseconds + clock.time - segment.clock.wall.nanoseconds
        if message.isUnreadable {
          all[message.device, default: []].append(
            Heard(time: received, arrival: arrival, quality: clock.quality, bearsTime: false, message: message))
          continue
        }
        var time = received
        var bearsTime = false
        if let said = message.time?.nanoseconds, clock.quality == 2 || said <= received + 300_000_000_000 {
          (time, bearsTime) = (said, true)
        }
        if clock.quality == 0, time < received - rules.lateness.nanoseconds { continue }
        all[message.device, default: []].append(
          Heard(time: time, arrival: arrival, quality: clock.quality, bearsTime: bearsTime, message: message))
      }
    }
    var result: [Key: Expected] = [:]
    let through = floor(end - rules.grace.nanoseconds, rules.lengths[0].nanoseconds)
    for (device, heard) in all { add(device, heard, through, open: end + longestWait, rules, &result) }
    if rules.groups { addGroups(rules, &result) }
    return result
  }

  private static func add(
    _ device: String, _ heard: [Heard], _ through: Int64, open: Int64, _ rules: Rules,
    _ result: inout [Key: Expected]
  ) {
    let step = rules.lengths[0].nanoseconds
    // What nobody understands makes no device known.
    let first = heard.filter { !$0.message.isUnreadable }.map { floor($0.time, step) }.min() ?? .max
    let sorted = heard.filter { $0.time >= first }.sorted { ($0.time, $0.arrival) < ($1.time, $1.arrival) }
    var starts: Set<Int64> = []
    for (index, one) in sorted.enumerated() {
      var start = floor(one.time, step)
      starts.insert(start)
      let next = index + 1 < sorted.count ? sorted[index + 1].time : Int64.max
      start += step
      while start < through, start <= next, start - one.time < rules.retirement.nanoseconds {
        starts.insert(start)
        start += step
      }
    }
    let gauges = readings(sorted) { $0.gauge }
    let counters = readings(sorted) { $0.counter }
    let states = readings(sorted) { $0.state }
    for length in rules.lengths.map(\.nanoseconds) {
      for start in Set(starts.map { floor($0, length) }) {
        let range = start..<start + length
        var expected = Expected()
        let inside = sorted.filter { range.contains($0.time) }
        expected.received = inside.count { !$0.message.isUnreadable }
        expected.quarantined = inside.count { $0.message.isUnreadable }
        var seen: Set<String> = []
        expected.duplicates = inside.sorted { $0.arrival < $1.arrival }
          .count { $0.bearsTime && !seen.insert($0.message.payload).inserted }
        expected.quality = inside.filter { !$0.message.isUnreadable }.map(\.quality).max()
        expected.gaps = gaps(inside.map(\.time), before: sorted.last { $0.time < start }?.time, range, rules.interval)
        expected.gauge = gauge(gauges.filter { range.contains($0.time) })
        let hasCarry = rules.planted != .noCarry
        expected.counter = counter(
          counters.filter { range.contains($0.time) }.map(\.value),
          before: hasCarry ? counters.last { $0.time < start }?.value : nil)
        expected.state = state(
          states.filter { range.contains($0.time) },
          before: hasCarry ? states.last { $0.time < start }?.value : nil, range)
        switch rules.planted {
        case .noDuplicates: expected.duplicates = 0
        case .noResets: expected.counter?.resets = 0
        case .noGaps: expected.gaps = []
        case .betterQuality: expected.quality = expected.quality.map { $0 == 1 ? 0 : $0 }
        case .shorterLong: if length > step { expected.received = max(0, expected.received - 1) }
        default: break
        }
        expected.isAhead = range.upperBound > through
        // Not over, and near enough to wait for its end: it may be there, and may lack what has come since. Whether the
        // device of mere rubbish is known will be seen when its time comes.
        expected.isOptional = expected.isAhead && (length > step || start <= open || expected.received == 0)
        result[Key(device: device, start: start, length: length)] = expected
      }
    }
  }

  private static func addGroups(_ rules: Rules, _ result: inout [Key: Expected]) {
    var groups: [Key: Expected] = [:]
    for (key, member) in result.sorted(by: { $0.key.device < $1.key.device }) {
      let site = key.device.hasSuffix("0") || rules.planted == .oneGroup ? "a" : "b"
      let own = Key(device: "group:\(rules.groupWord)=\(site)", start: key.start, length: key.length)
      var group = groups[own] ?? Expected()
      group.members += 1
      group.reporting += member.received > 0 ? 1 : 0
      group.received += member.received
      group.quarantined += member.quarantined
      if let gauge = member.gauge {
        if let known = group.gauge {
          let count = known.count + gauge.count
          let mean = (known.mean * Double(known.count) + gauge.mean * Double(gauge.count)) / Double(count)
          group.gauge = (count, min(known.min, gauge.min), max(known.max, gauge.max), mean, 0, 0, 0)
        } else {
          group.gauge = gauge
        }
      }
      if let counter = member.counter {
        let known = group.counter ?? (0, 0, 0, 0, 0)
        group.counter = (
          known.count + counter.count, 0, 0, known.increase + counter.increase, known.resets + counter.resets
        )
      }
      if let state = member.state { group.lastStates[state.last, default: 0] += 1 }
      group.isAhead = group.isAhead || member.isAhead
      group.isOptional = group.isAhead
      groups[own] = group
    }
    result.merge(groups) { $1 }
  }

  private static func gaps(
    _ times: [Int64], before: Int64?, _ range: Range<Int64>, _ interval: Span
  ) -> [Range<Int64>] {
    let longest = interval.nanoseconds * 3
    var points = times
    if let before { points.insert(before, at: 0) }
    guard !points.isEmpty else { return [] }
    points.append(range.upperBound)
    return zip(points, points.dropFirst()).filter { $1 - $0 > longest }.map { max($0, range.lowerBound)..<$1 }
  }

  private static func readings<Value>(_ heard: [Heard], _ value: (StreamMessage) -> Value?) -> [Reading<Value>] {
    heard.compactMap { one in
      one.message.isUnreadable
        ? nil : value(one.message).map { Reading(time: one.time, arrival: one.arrival, value: $0) }
    }
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
