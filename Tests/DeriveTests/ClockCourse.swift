import Journal
import Telemetry

/// Steps of a box's clock, one after another, while two devices report: one says when, one doesn't.
struct ClockCourse: CustomStringConvertible {
  enum Step: String, CaseIterable {
    /// The clock is set to the time.
    case timeServer
    /// A time server that is wrong itself.
    case wrongServer
    case noServer
    /// Set by hand, by nobody's word.
    case hoursAhead
    case hoursBack
    case yearsAhead
    case yearsBack
    /// A box without a clock battery: by nobody's word, and from 1970 on.
    case bootIn1970
    case bootInTime
  }

  var steps: [Step]
  /// The deriver is told that nobody vouches for any clock: what it makes then must not be taken for right.
  var isMisled = false

  var description: String { steps.map(\.rawValue).joined(separator: ", ") }

  static func all(_ length: Int) -> [ClockCourse] {
    var courses: [[Step]] = [[]]
    for _ in 0..<length { courses = courses.flatMap { course in Step.allCases.map { course + [$0] } } }
    return courses.map { ClockCourse(steps: $0) }
  }

  static let segmentsPerStep = 3

  private struct Box {
    var boot = 0
    var started = RandomStream.origin - .seconds(100)
    var offset = Span.zero
    var isSynchronised = true

    mutating func take(_ step: Step, at now: Timestamp) {
      switch step {
      case .timeServer: (isSynchronised, offset) = (true, .zero)
      case .wrongServer: (isSynchronised, offset) = (true, .hours(2))
      case .noServer: isSynchronised = false
      case .hoursAhead: (isSynchronised, offset) = (false, offset + .hours(3))
      case .hoursBack: (isSynchronised, offset) = (false, offset - .hours(3))
      case .yearsAhead: (isSynchronised, offset) = (false, offset + .hours(24 * 3650))
      case .yearsBack: (isSynchronised, offset) = (false, offset - .hours(24 * 3650))
      case .bootIn1970: restart(Timestamp(milliseconds: 20_000) - now, now)
      case .bootInTime: restart(.zero, now)
      }
    }

    private mutating func restart(_ offset: Span, _ now: Timestamp) {
      boot += 1
      started = now - .seconds(10)
      isSynchronised = false
      self.offset = offset
    }

    func clock(_ now: Timestamp) -> ClockReading {
      ClockReading(wall: now + offset, boot: "boot-\(boot)", sinceBoot: now - started, synchronised: isSynchronised)
    }
  }

  /// What the gateway writes down meanwhile.
  var segments: [StreamSegment] {
    var box = Box()
    var now = RandomStream.origin + .seconds(3)
    var segments: [StreamSegment] = []
    var count = 0
    func write(_ isSilent: Bool) {
      let clock = box.clock(now)
      count += 1
      let messages = [true, false].map { saysWhen in
        StreamMessage(
          device: saysWhen ? "cam-0" : "cam-1", time: saysWhen ? now - .milliseconds(200) : nil, received: clock.wall,
          gauge: Double(count), counter: Double(count * 10), state: count % 2 == 0 ? "on" : "off")
      }
      segments.append(StreamSegment(messages: isSilent ? [] : messages, clock: clock))
    }
    for step in [.timeServer] + steps {
      box.take(step, at: now)
      for _ in 0..<ClockCourse.segmentsPerStep {
        write(false)
        now = now + .seconds(5)
      }
    }
    // What was sent by then is due at the end.
    for pause in [Span.seconds(1), .seconds(40), .seconds(500)] {
      now = now + pause
      write(true)
    }
    return segments
  }
}
