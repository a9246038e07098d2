/// `[time] trust`: whose word it takes to believe the wall clock.
public enum ClockTrust: String, Sendable, CaseIterable {
  /// The kernel's: the clock is right once something has synchronised it.
  case kernel
  /// Nobody's: for a site without a time server, whose clock is set by hand.
  case always
}
