import Derive
import Telemetry

/// A seeded course of events: what comes in, segment by segment, and what the gateway does in between.
struct Script: Sendable {
  struct Message: Hashable, Sendable {
    var topic: String
    var payload: [UInt8]
    var packetID: UInt16
    var receivedAt: Timestamp
  }

  struct Step: Sendable {
    var messages: [Message]
    var wall: Timestamp
    /// Derive what there is once this is stored.
    var derives = false
    /// The link to the central server is up: what is pending is sent and marked.
    var sends = false
    var trims = false
    var enforcesQuota = false
    /// An orderly stop and a new start follow.
    var restarts = false
  }

  let seed: UInt64
  /// The store of an earlier program, where it begins with one.
  let start: EarlierStore?
  private(set) var steps: [Step] = []
  /// A second, optional destination that nobody ever reaches.
  let hasDeadMirror: Bool
  /// Status records whose number is a multiple of this are refused for good by the central server; 0 for none.
  let refusesEvery: Int64
  let quota: Int64

  /// Windows of ten seconds; a segment every two.
  static let windowLength = Span.seconds(10)
  private static let origin = Timestamp(milliseconds: 1_795_318_800_000)

  var gateway: String { start?.gateway ?? "faults" }

  init(seed: UInt64, length: Int, start: EarlierStore? = nil) {
    self.seed = seed
    self.start = start
    hasDeadMirror = seed % 2 == 1
    refusesEvery = seed / 3 % 2 == 1 ? 5 : 0
    var random = Seeded(seed)
    quota = seed % 4 == 1 ? 90_000 : 140_000
    var clock = max(Script.origin, start?.end ?? Script.origin)
    var counters: [Int: Int] = [:]
    var packet: UInt16 = 0
    var late: [(due: Int, device: Int, time: Timestamp)] = []
    // Between these steps the central server can't be reached.
    let outage = length / 3..<(length / 3 + Int.random(in: 4...10, using: &random))
    for number in 0..<length {
      clock = clock + .milliseconds(Int64.random(in: 1500...2500, using: &random))
      if number == length - 1 { clock = clock + .seconds(40) }
      var step = Step(messages: [], wall: clock)
      func add(_ topic: String, _ payload: String) {
        packet = packet &+ 1
        step.messages.append(
          Message(topic: topic, payload: Array(payload.utf8), packetID: packet, receivedAt: clock))
      }
      if number == 0 { add(Mark.topic, Mark.connected.rawValue) }
      func reading(_ device: Int, at time: Timestamp) {
        counters[device, default: 1000] += Int.random(in: 0...500, using: &random)
        let gauge = Int.random(in: -40...10, using: &random)
        let state = ["on", "off", "odd"][Int.random(in: 0..<3, using: &random)]
        let count = counters[device] ?? 0
        add("school/a/cam-\(device)", "{\"ts\":\(time.milliseconds),\"g\":\(gauge),\"c\":\(count),\"s\":\"\(state)\"}")
      }
      let isLast = number == length - 1
      if !isLast, number % 9 != 8 {
        for device in 0..<4 where Int.random(in: 0..<5, using: &random) > 0 {
          reading(device, at: clock - .milliseconds(Int64.random(in: 0...900, using: &random)))
          if Int.random(in: 0..<12, using: &random) == 0 {
            late.append((number + Int.random(in: 8...12, using: &random), device, clock))
          }
        }
        for held in late where held.due == number {
          reading(held.device, at: held.time - .milliseconds(500))
        }
        if Int.random(in: 0..<6, using: &random) == 0 {
          // Something that no source takes, and that doesn't compress: its segment goes on over several pages.
          let noise = (0..<Int.random(in: 500...4000, using: &random)).map { _ in
            UInt8.random(in: 33...126, using: &random)
          }
          add("foreign/\(number)", String(decoding: noise, as: UTF8.self))
        }
      }
      step.derives = isLast || Int.random(in: 0..<3, using: &random) > 0
      step.sends = !outage.contains(number) && Int.random(in: 0..<3, using: &random) > 0
      step.trims = number > length / 2 && Int.random(in: 0..<2, using: &random) == 0
      step.enforcesQuota = Int.random(in: 0..<3, using: &random) == 0
      step.restarts = number == length / 2 || Int.random(in: 0..<25, using: &random) == 0
      steps.append(step)
    }
  }
}
