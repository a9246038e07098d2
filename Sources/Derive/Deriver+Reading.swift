import Decoding
import Journal
import Telemetry
import Threads
import Windows

extension Deriver {
  /// A segment's clock as it is known now.
  struct SegmentClock {
    var wall: Timestamp
    var time: Timestamp
    var quality: TimeQuality

    /// A message waits no longer for its commit than this: one whose time of receipt lies further off was stamped before
    /// the clock was set.
    private static let longestWait = Span.minutes(10)

    /// When a message of it was received.
    func received(_ stamped: Timestamp) -> Timestamp {
      let waited = wall - stamped
      guard waited.nanoseconds.magnitude <= SegmentClock.longestWait.nanoseconds.magnitude else { return time }
      return time - waited
    }
  }

  func clock(of segment: Segment) -> SegmentClock {
    let reading = clocks.reading(segment.id, segment.clock)
    return SegmentClock(wall: segment.clock.wall, time: reading.time, quality: reading.quality)
  }

  /// Decodes one message; what is known of it besides its readings is returned.
  func decode(
    _ message: StoredMessage, _ segment: Int64, _ index: Int64, _ clock: SegmentClock,
    into observations: inout [Observation]
  ) -> (outcome: Decoder.Outcome, context: MessageContext) {
    let sequence = Deriver.sequence(segment, index)
    let received = clock.received(message.receivedAt)
    let outcome = decoder.decode(
      topic: message.topic, payload: message.payload,
      Reception(
        receivedAt: received, clockTrusted: clock.quality != .untrusted, retained: message.retained, sequence: sequence),
      into: &observations)
    let context = MessageContext(
      sequence: sequence, segment: segment, receivedAt: received, retained: message.retained, quality: clock.quality,
      content: observations.isEmpty ? 0 : ContentHash.of(message.topic, message.payload),
      offset: clock.quality == .untrusted
        ? nil : Deriver.latest(observations).map { received + decoder.correction - $0 })
    return (outcome, context)
  }

  /// The latest time that the payload itself says.
  private static func latest(_ observations: [Observation]) -> Timestamp? {
    var latest: Timestamp?
    for observation in observations where observation.timeSource == .payload {
      latest = max(latest ?? observation.time, observation.time)
    }
    return latest
  }

  /// The device of a message that could not be understood, where its topic alone says it; kept messages of the broker
  /// are no sign of life.
  func quarantinedDevice(_ message: StoredMessage, _ outcome: Decoder.Outcome) -> Device? {
    guard case .refused = outcome, !message.retained else { return nil }
    return decoder.device(ofTopic: message.topic)
  }

  /// What the messages of some segments say of each device and window, in the order in which they came.
  ///
  /// - Parameters:
  ///   - devices: leave out messages of which the topic alone says that they are of others: most then need no decoding.
  ///   - skipping: segments that are left out.
  func arrivals(
    _ range: ClosedRange<Int64>, only devices: Set<Int>? = nil, skipping: (Int64) -> Bool = { _ in false },
    _ visit: (Timestamp, Int, Recomputation.Arrival) -> Void
  ) throws {
    try reread(range, only: devices, skipping: skipping) { observations, context, quarantined in
      if let quarantined {
        visit(
          context.receivedAt.floored(to: settings.windows.length), quarantined.index,
          Recomputation.Arrival([], context))
      } else {
        windows.arrivals(observations, context, visit)
      }
    }
  }

  /// Reads a run of segments again and decodes their messages. Nothing is counted; damaged segments are told and
  /// passed over.
  func reread(
    _ range: ClosedRange<Int64>, only devices: Set<Int>? = nil, skipping: (Int64) -> Bool = { _ in false },
    _ body: ([Observation], MessageContext, Device?) -> Void
  ) throws {
    var observations: [Observation] = []
    var after = range.lowerBound - 1
    while after < range.upperBound {
      let items = try journal.segments(after: after, through: range.upperBound)
      guard !items.isEmpty else { return }
      for item in items {
        heartbeat.beat()
        after = item.id
        guard case .segment(let segment) = item else {
          if case .damaged(let id, let reason) = item { damaged(id, reason) }
          continue
        }
        guard !skipping(segment.id) else { continue }
        let clock = clock(of: segment)
        var index: Int64 = -1
        segment.forEach { message in
          index += 1
          if let devices, let device = decoder.device(ofTopic: message.topic), !devices.contains(device.index) {
            return
          }
          observations.removeAll(keepingCapacity: true)
          let (outcome, context) = decode(message, segment.id, index, clock, into: &observations)
          // In an array of its own, no larger than it must be: windows of many messages are gathered.
          body(Array(observations[...]), context, quarantinedDevice(message, outcome))
        }
      }
    }
  }

  /// The messages of some devices in one window, from the journal, in the order in which they came.
  func collect(
    _ start: Timestamp, _ devices: Set<Int>, from ranges: [ClosedRange<Int64>]
  ) throws -> [Int: [Recomputation.Arrival]] {
    var found: [Int: [Recomputation.Arrival]] = [:]
    for range in Deriver.merged(ranges) {
      try arrivals(range, only: devices) { window, device, arrival in
        if window == start, devices.contains(device) { found[device, default: []].append(arrival) }
      }
    }
    return found
  }

  /// Ascending, without overlaps: a segment is read once.
  static func merged(_ ranges: [ClosedRange<Int64>]) -> [ClosedRange<Int64>] {
    var merged: [ClosedRange<Int64>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    return merged
  }
}
