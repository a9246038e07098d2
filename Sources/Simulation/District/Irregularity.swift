/// What is unusual about a message, as a record of a simulation names it. Where several things are, the one that
/// stands later in this list.
public enum Irregularity: String, Sendable, CaseIterable {
  case regular
  /// A device says what state it is in after it has connected: will topics, properties, motion off.
  case announcement
  /// A device has fallen silent and its will is published.
  case offline
  /// A reading that is worse than it should be: weak light, few frames, an empty battery.
  case drift
  /// A reading whose time is wrong because the device's clock is.
  case wrongClock = "wrong-clock"
  /// The first reading after a restart: uptime and counters began again.
  case reboot
  /// A reading kept over an outage of the device's own link, with the time at which it was taken.
  case late
  /// A reading that comes after later ones.
  case outOfOrder = "out-of-order"
  /// The second of two messages with the same payload.
  case duplicate
  /// No reading at all: cut off, empty, binary, or of the wrong types.
  case rubbish
}
