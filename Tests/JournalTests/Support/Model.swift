import Journal
import Telemetry

/// Numbers that are random and the same in every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}

/// A message as a test holds it.
struct Message: Equatable {
  var topic: [UInt8]
  var payload: [UInt8]
  var packetID: UInt16
  var qos: UInt8
  var retained: Bool
  var receivedAt: Timestamp

  static func random(using generator: inout some RandomNumberGenerator) -> Message {
    let topics = ["school/sman1/cctv/cam-03/telemetry", "tele/panel/SENSOR", "a", "", "frigate/events", "a/b"]
    let length =
      switch Int.random(in: 0..<20, using: &generator) {
      case 0: 0
      case 1: Int.random(in: 1000...9000, using: &generator)
      default: Int.random(in: 1...300, using: &generator)
      }
    return Message(
      topic: Bool.random(using: &generator)
        ? Array((topics.randomElement(using: &generator) ?? "").utf8)
        : (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) },
      payload: (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) },
      packetID: UInt16.random(in: 0...UInt16.max, using: &generator), qos: UInt8.random(in: 0...2, using: &generator),
      retained: Bool.random(using: &generator),
      receivedAt: Timestamp(milliseconds: Int64.random(in: -5_000_000_000...9_000_000_000_000, using: &generator)))
  }

  /// A camera's report, as traffic is made of.
  static func report(_ number: Int) -> Message {
    let fps = number * 7919 % 251
    return Message(
      topic: Array("school/sman\(number % 7)/cctv/cam-\(number % 5)/telemetry".utf8),
      payload: Array("{\"ts\":\(1_795_318_812_000 + number * 731),\"fps\":\(fps),\"n\":\(number)}".utf8),
      packetID: UInt16(number % 65_535 + 1), qos: 1, retained: false,
      receivedAt: Timestamp(milliseconds: 1_795_318_812_000 + Int64(number)))
  }
}

extension SegmentBuilder {
  mutating func append(_ message: Message) {
    message.topic.withUnsafeBytes { topic in
      message.payload.withUnsafeBytes { payload in
        append(
          topic: topic, payload: payload, packetID: message.packetID, qos: message.qos, retained: message.retained,
          receivedAt: message.receivedAt)
      }
    }
  }

  init(_ messages: [Message]) {
    self.init()
    for message in messages { append(message) }
  }
}

extension Segment {
  var messages: [Message] {
    var out: [Message] = []
    forEach {
      out.append(
        Message(
          topic: Array($0.topic), payload: Array($0.payload), packetID: $0.packetID, qos: $0.qos,
          retained: $0.retained, receivedAt: $0.receivedAt))
    }
    return out
  }
}

extension ClockReading {
  /// `seconds` after a fixed moment.
  static func at(_ seconds: Int64, synchronised: Bool = true) -> ClockReading {
    ClockReading(
      wall: Timestamp(milliseconds: 1_795_318_800_000) + .seconds(seconds), boot: "7d1c-boot",
      sinceBoot: .seconds(1000 + seconds), synchronised: synchronised)
  }
}

extension JournalReader {
  /// Everything that can be read, by id; a damaged segment stands as `nil`.
  func all() throws -> [Int64: [Message]?] {
    var found: [Int64: [Message]?] = [:]
    var cursor: Int64 = 0
    while true {
      let items = try segments(after: cursor)
      guard let last = items.last else { return found }
      cursor = last.id
      for item in items {
        switch item {
        case .segment(let segment): found[segment.id] = .some(segment.messages)
        case .damaged(let id, _): found[id] = .some(nil)
        }
      }
    }
  }
}
