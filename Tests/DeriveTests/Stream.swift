import Foundation
import Telemetry

/// A message of a random stream: what a device read, when, and when the gateway got it.
struct StreamMessage {
  var device: String
  var time: Timestamp
  var received: Timestamp
  var gauge: Double?
  var counter: Double?
  var state: String?

  var topic: String { "school/a/\(device)" }

  var payload: String {
    var fields = ["\"ts\":\(time.milliseconds)"]
    if let gauge { fields.append("\"g\":\(gauge)") }
    if let counter { fields.append("\"c\":\(counter)") }
    if let state { fields.append("\"s\":\"\(state)\"") }
    return "{" + fields.joined(separator: ",") + "}"
  }
}

/// A random course of events over some windows of ten seconds: disorder, duplicates, gaps, resets, late bursts.
struct RandomStream {
  static let origin = Timestamp(milliseconds: 1_795_318_800_000)
  static let length = Span.seconds(10)

  /// In the order of receipt, as segments.
  private(set) var segments: [[StreamMessage]] = []
  /// The time of the last, empty segment: everything before it is due.
  private(set) var end = origin

  init(_ generator: inout Seeded) {
    var clock = RandomStream.origin
    var counters: [String: Double] = [:]
    var held: [StreamMessage] = []
    let devices = (0..<Int.random(in: 1...3, using: &generator)).map { "cam-\($0)" }
    for _ in 0..<Int.random(in: 3...40, using: &generator) {
      clock = clock + .milliseconds(Int64.random(in: 100...6000, using: &generator))
      if Int.random(in: 0..<20, using: &generator) == 0 { clock = clock + .seconds(35) }
      var segment: [StreamMessage] = []
      for _ in 0..<Int.random(in: 0...5, using: &generator) {
        let device = devices.randomElement(using: &generator)!
        counters[device, default: 1000] += Double(Int.random(in: 0...500, using: &generator))
        if Int.random(in: 0..<25, using: &generator) == 0 { counters[device] = 3 }
        let message = StreamMessage(
          device: device, time: clock - .milliseconds(Int64.random(in: 0...1500, using: &generator)), received: clock,
          gauge: Bool.random(using: &generator)
            ? (Double.random(in: -30...30, using: &generator) * 10).rounded() / 10 : nil,
          counter: Bool.random(using: &generator) ? counters[device] : nil,
          state: Bool.random(using: &generator) ? ["on", "off", "odd"].randomElement(using: &generator) : nil)
        switch Int.random(in: 0..<12, using: &generator) {
        case 0: held.append(message)
        case 1:
          segment.append(message)
          segment.append(message)
        default: segment.append(message)
        }
      }
      if !held.isEmpty, Int.random(in: 0..<6, using: &generator) == 0 {
        // A device that was cut off sends what it kept.
        segment += held.shuffled(using: &generator).map { late in
          var late = late
          late.received = clock
          return late
        }
        held = []
      }
      segments.append(segment)
    }
    end = clock + .seconds(40)
  }
}

/// A small generator whose sequence a seed decides (SplitMix64).
struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}
