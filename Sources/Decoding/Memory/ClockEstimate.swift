import Telemetry

/// What is known of a device's clock that may be off by a constant: a value, which the differences between time of
/// receipt and the payload's time move, a few of them a minute.
///
/// A backlog is no clock that is wrong: its differences fall from message to message. So a correction takes three
/// messages that are well apart and agree, with none between them that is right as it is.
struct ClockEstimate: Sendable, Equatable {
  /// Differences that may come to a correction.
  struct Candidate: Sendable, Equatable {
    var difference: Span
    var count: Int64
    var since: Timestamp
    var last: Timestamp
  }

  /// To be added to what the device says.
  private(set) var correction = Span.zero
  private(set) var candidate: Candidate?

  /// What networks and commits take: less is no fault of a clock.
  static let tolerance = Span.seconds(10)
  /// How far messages of the same wrong clock differ.
  static let steadiness = Span.seconds(3)
  static let fewest: Int64 = 3
  /// Messages that are nearer to one another say the same once.
  static let spacing = Span.seconds(20)
  /// A device whose clock is wrong now this way, now that, is not followed more often.
  static let rest = Span.minutes(10)

  init() {}

  /// Takes note of a message.
  ///
  /// - Returns: whether anything changed, so that it must be kept.
  mutating func note(_ difference: Span, at received: Timestamp) -> Bool {
    if (difference - correction).magnitude <= ClockEstimate.tolerance {
      guard let known = candidate, known.count > 0 else { return false }
      candidate?.count = 0
      return true
    }
    guard let known = candidate, received >= known.since else { return begin(difference, received) }
    guard known.count > 0, (difference - known.difference).magnitude <= ClockEstimate.steadiness else {
      return received - known.since >= ClockEstimate.rest ? begin(difference, received) : false
    }
    guard received - known.last >= ClockEstimate.spacing else { return false }
    // The least delay on the way is nearest to the clock's fault.
    let least = min(difference, known.difference)
    guard known.count + 1 < ClockEstimate.fewest else {
      correction = least.magnitude <= ClockEstimate.tolerance ? .zero : least
      candidate = nil
      return true
    }
    candidate = Candidate(difference: least, count: known.count + 1, since: known.since, last: received)
    return true
  }

  private mutating func begin(_ difference: Span, _ received: Timestamp) -> Bool {
    candidate = Candidate(difference: difference, count: 1, since: received, last: received)
    return true
  }

  // MARK: - Keeping

  /// Eight bytes for each number, the lowest first.
  var encoded: [UInt8] {
    var numbers = [correction.nanoseconds]
    if let candidate {
      numbers += [
        candidate.difference.nanoseconds, candidate.count, candidate.since.nanoseconds, candidate.last.nanoseconds,
      ]
    }
    return numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) } }
  }

  /// `nil` where the bytes aren't ours.
  init?(encoded bytes: [UInt8]) {
    guard bytes.count == 8 || bytes.count == 40 else { return nil }
    let numbers = stride(from: 0, to: bytes.count, by: 8).map { at in
      (0..<8).reduce(Int64(0)) { $0 | Int64(bytes[at + $1]) << ($1 * 8) }
    }
    correction = Span(nanoseconds: numbers[0])
    guard numbers.count == 5 else { return }
    candidate = Candidate(
      difference: Span(nanoseconds: numbers[1]), count: numbers[2], since: Timestamp(nanoseconds: numbers[3]),
      last: Timestamp(nanoseconds: numbers[4]))
  }
}

extension Span {
  fileprivate static func - (a: Span, b: Span) -> Span {
    Span(nanoseconds: a.nanoseconds.subtractingReportingOverflow(b.nanoseconds).partialValue)
  }

  fileprivate var magnitude: Span { Span(nanoseconds: Int64(clamping: nanoseconds.magnitude)) }
}
