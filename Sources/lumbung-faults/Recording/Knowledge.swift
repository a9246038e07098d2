import Telemetry

/// What the world outside the box knew at one moment of a run: against this a crash is judged.
struct Knowledge: Sendable {
  /// The journal's end before the script's first step.
  let begin: Int64
  /// The journal's, once something was acknowledged.
  var uuid: String?
  /// The ids under which the script's first steps were acknowledged, in order.
  var acknowledged: [Int64] = []
  /// A trim up to here was asked for: segments below may be gone.
  var trimBound: Int64 = 0
  var receiver: Receiver
  /// How far a returned transaction said that the journal is derived.
  var derivedThrough: Int64 = 0

  init(_ start: EarlierStore?) {
    begin = start?.journalEnd ?? 0
    receiver = Receiver(begun: start?.delivered ?? [:])
  }

  /// The id of the newest segment that was acknowledged.
  var end: Int64 { acknowledged.last ?? begin }
}
