/// The versions of MQTT that we speak. The raw value is the protocol level in CONNECT.
public enum ProtocolVersion: Int, Sendable, CustomStringConvertible {
  case v311 = 4
  case v5 = 5

  public var description: String {
    switch self {
    case .v311: "3.1.1"
    case .v5: "5"
    }
  }
}

/// Which version the next try to connect speaks: 5, and 3.1.1 only where the broker refused 5 by name.
///
/// A broken link never counts as a refusal, since 3.1.1 would narrow the window for nothing; and each loss of an
/// accepted connection asks for 5 again, since the broker may have been replaced.
struct ProtocolChoice: Hashable, Sendable {
  private(set) var version = ProtocolVersion.v5

  /// The broker answered that it doesn't speak the version. True where another is worth a try at once.
  mutating func refused() -> Bool {
    defer { version = version == .v5 ? .v311 : .v5 }
    return version == .v5
  }

  /// The broker hung up on CONNECT without a word, as RabbitMQ 3 does with 5. For who loses nothing by 3.1.1; a broken
  /// link looks the same, so the versions take turns. True where the other is worth a try at the same address.
  mutating func hungUp() -> Bool { refused() }

  mutating func lostAcceptedConnection() { version = .v5 }
}
