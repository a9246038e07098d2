import Telemetry

/// What the journal's thread does while the store refuses: a full disk, a read-only file system, an I/O error.
///
/// Nothing is read from the broker then, for nothing could be kept; once a second it is looked whether it goes again.
/// A value; its owner does what it says and tells what came of it.
struct StoreRefusal: Sendable, Equatable {
  /// Between two looks. Recovery is promised within 5 s of space coming back.
  static let interval = Span.seconds(1)

  /// What a look must do before anything may be read again.
  enum Look: Sendable, Equatable {
    /// Nothing is wrong, or it is not time yet.
    case none
    /// See that there is room and take the reserve back, or, after a while without, try all the same; then write.
    case makeSureOfRoom
    /// Only write.
    case write
  }

  private enum Cause { case noRoom, other }

  private var cause: Cause?
  private var nextLook = Span.zero

  init() {}

  var isRefusing: Bool { cause != nil }
  /// Whether the disk is full.
  var lacksRoom: Bool { cause == .noRoom }
  /// When to look; `nil` while nothing is wrong.
  var due: Span? { isRefusing ? nextLook : nil }

  /// A write was refused. Who is refused again and again doesn't put the next look off.
  mutating func refused(lacksRoom: Bool, now: Span) {
    let isDueAlready = isRefusing && nextLook > now
    cause = lacksRoom ? .noRoom : .other
    if isDueAlready { return }
    nextLook = Span(nanoseconds: now.nanoseconds + StoreRefusal.interval.nanoseconds)
  }

  /// What to look at now. Each look moves the next one on.
  mutating func look(now: Span) -> Look {
    guard let cause, now >= nextLook else { return .none }
    nextLook = Span(nanoseconds: now.nanoseconds + StoreRefusal.interval.nanoseconds)
    return cause == .noRoom ? .makeSureOfRoom : .write
  }

  /// The write of a look went well.
  mutating func recovered() { cause = nil }
}
