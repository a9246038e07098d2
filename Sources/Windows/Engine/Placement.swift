import Telemetry

/// What became of a reading.
public enum Placement: Sendable, Equatable {
  /// It is in a window that is still open.
  case open
  /// Its window was sealed already: it must be computed again.
  case late(start: Timestamp)
  /// Older than `lateness`: in no window.
  case tooLate
  /// A retained state that was taken, or that something newer made idle; or a retained reading of another kind.
  case retained
}
