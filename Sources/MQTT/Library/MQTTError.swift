/// What failed between us and the broker: what was attempted, why it failed, and what helps.
public struct MQTTError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// The host's name has no address.
    case nameUnknown
    /// Nobody answers at the address.
    case unreachable
    /// TLS failed: certificates, names, versions.
    case tls
    /// The broker refused us: credentials, rights, client id.
    case refused
    /// The broker doesn't speak the version of MQTT.
    case protocolVersion
    /// The connection ended.
    case closed
    /// The broker was silent for too long.
    case silent
    /// Another client connected with our client id.
    case takenOver
    /// The configuration can't work as it is: unreadable files, invalid values.
    case configuration
    /// The store didn't take a commit.
    case commit
    /// More is outstanding, or offline, than may wait.
    case backpressure
    /// The operating system refused something.
    case system
  }

  public let kind: Kind
  public let operation: String
  public let reason: String
  /// Empty where there is nothing to do but wait.
  public let cure: String
  /// The broker's reason code, where it is one that was answered.
  public let code: Int32?

  public init(kind: Kind, operation: String, reason: String, cure: String, code: Int32? = nil) {
    self.code = code
    self.kind = kind
    self.operation = operation
    self.reason = reason
    self.cure = cure
  }

  public var description: String { "\(operation): \(reason)" + (cure.isEmpty ? "" : "; \(cure)") }
}
