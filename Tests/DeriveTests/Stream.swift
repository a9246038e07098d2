import Foundation
import Journal
import Telemetry

/// A message of a random stream: what a device read, when, and when the gateway got it by its own clock.
struct StreamMessage {
  var device: String
  /// By a device whose clock is right; `nil` where the payload doesn't say.
  var time: Timestamp?
  var received: Timestamp
  var gauge: Double?
  var counter: Double?
  var state: String?
  /// Nobody can read it.
  var isRubbish = false

  var topic: String { "school/\(site)/\(device)" }
  var site: String { device.hasSuffix("0") ? "a" : "b" }

  var payload: String {
    if isRubbish { return "{\"ts\":17" }
    var fields: [String] = []
    if let time { fields.append("\"ts\":\(time.milliseconds)") }
    if let gauge { fields.append("\"g\":\(gauge)") }
    if let counter { fields.append("\"c\":\(counter)") }
    if let state { fields.append("\"s\":\"\(state)\"") }
    return "{" + fields.joined(separator: ",") + "}"
  }

  /// Nothing in it that any mapping takes, either.
  var isUnreadable: Bool { isRubbish || gauge == nil && counter == nil && state == nil }
}

struct StreamSegment {
  var messages: [StreamMessage]
  var clock: ClockReading
}

/// A random course of events over some windows of ten seconds: disorder, duplicates, gaps, resets, late bursts, rubbish;
/// and, where asked for, boots with clocks that are wrong, set, set wrongly, lost again.
struct RandomStream {
  static let origin = Timestamp(milliseconds: 1_795_318_800_000)
  static let length = Span.seconds(10)

  /// In the order of receipt.
  private(set) var segments: [StreamSegment] = []

  /// The box: its boot, and by how much its wall clock differs from the time.
  private struct Box {
    var boot = 0
    var started = RandomStream.origin - .seconds(100)
    var offset = Span.zero
    var isSynchronised = true

    func clock(_ now: Timestamp) -> ClockReading {
      ClockReading(wall: now + offset, boot: "boot-\(boot)", sinceBoot: now - started, synchronised: isSynchronised)
    }
  }

  init(_ generator: inout Seeded, oddClocks: Bool = false) {
    var now = RandomStream.origin
    var box = Box()
    var counters: [String: Double] = [:]
    var held: [StreamMessage] = []
    let devices = (0..<Int.random(in: 1...3, using: &generator)).map { "cam-\($0)" }
    let silentAboutTime = Set(devices.filter { _ in oddClocks && Bool.random(using: &generator) })
    if oddClocks, Bool.random(using: &generator) { RandomStream.reboot(&box, &now, &generator) }
    for _ in 0..<Int.random(in: 3...40, using: &generator) {
      now = now + .milliseconds(Int64.random(in: 100...6000, using: &generator))
      if Int.random(in: 0..<20, using: &generator) == 0 { now = now + .seconds(35) }
      if oddClocks { RandomStream.disturb(&box, &now, &generator) }
      let wall = now + box.offset
      var messages: [StreamMessage] = []
      for _ in 0..<Int.random(in: 0...5, using: &generator) {
        let device = devices.randomElement(using: &generator)!
        counters[device, default: 1000] += Double(Int.random(in: 0...500, using: &generator))
        if Int.random(in: 0..<25, using: &generator) == 0 { counters[device] = 3 }
        let time = now - .milliseconds(Int64.random(in: 0...1500, using: &generator))
        let message = StreamMessage(
          device: device, time: silentAboutTime.contains(device) ? nil : time, received: wall,
          gauge: Bool.random(using: &generator)
            ? (Double.random(in: -30...30, using: &generator) * 10).rounded() / 10 : nil,
          counter: Bool.random(using: &generator) ? counters[device] : nil,
          state: Bool.random(using: &generator) ? ["on", "off", "odd"].randomElement(using: &generator) : nil,
          isRubbish: Int.random(in: 0..<20, using: &generator) == 0)
        switch Int.random(in: 0..<12, using: &generator) {
        case 0: held.append(message)
        case 1: messages += [message, message]
        default: messages.append(message)
        }
      }
      if !held.isEmpty, Int.random(in: 0..<6, using: &generator) == 0 {
        // A device that was cut off sends what it kept.
        messages += held.shuffled(using: &generator).map { late in
          var late = late
          late.received = wall
          return late
        }
        held = []
      }
      segments.append(StreamSegment(messages: messages, clock: box.clock(now)))
    }
    if oddClocks, Int.random(in: 0..<5, using: &generator) > 0 {
      box.isSynchronised = true
      if Int.random(in: 0..<8, using: &generator) > 0 { box.offset = .zero }
    }
    // What was sent by then is due at the end.
    for pause in [Span.seconds(1), .seconds(40), oddClocks ? .seconds(500) : .seconds(40)] {
      now = now + pause
      segments.append(StreamSegment(messages: [], clock: box.clock(now)))
    }
  }

  private static let hours = Span.hours(3)
  private static let years = Span.hours(24 * 365 * 10)

  private static func wrong(_ now: Timestamp, _ generator: inout Seeded) -> Span {
    switch Int.random(in: 0..<7, using: &generator) {
    case 0, 1: Timestamp(milliseconds: Int64.random(in: 1000...60_000, using: &generator)) - now
    case 2: hours
    case 3: .zero - hours
    case 4: years
    case 5: .milliseconds(Int64.random(in: -90_000...90_000, using: &generator))
    default: .zero
    }
  }

  private static func reboot(_ box: inout Box, _ now: inout Timestamp, _ generator: inout Seeded) {
    now = now + .milliseconds(Int64.random(in: 1000...60_000, using: &generator))
    box.boot += 1
    box.started = now - .milliseconds(Int64.random(in: 100...20_000, using: &generator))
    box.isSynchronised = Int.random(in: 0..<6, using: &generator) == 0
    box.offset = box.isSynchronised ? .zero : wrong(now, &generator)
  }

  private static func disturb(_ box: inout Box, _ now: inout Timestamp, _ generator: inout Seeded) {
    switch Int.random(in: 0..<40, using: &generator) {
    case 0, 1, 2: reboot(&box, &now, &generator)
    case 3, 4, 5:
      // The time server is found; now and then a wrong one.
      box.isSynchronised = true
      box.offset = Int.random(in: 0..<6, using: &generator) == 0 ? wrong(now, &generator) : .zero
    case 6, 7: box.isSynchronised = false
    case 8: if !box.isSynchronised { box.offset = wrong(now, &generator) }
    default: break
    }
  }
}

extension Span {
  static func + (a: Span, b: Span) -> Span { Span(nanoseconds: a.nanoseconds &+ b.nanoseconds) }
  static func - (a: Span, b: Span) -> Span { Span(nanoseconds: a.nanoseconds &- b.nanoseconds) }
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
