/// `[broker]`: where messages come from.
public struct BrokerSettings: Sendable, Hashable {
  /// As written: `mqtt://HOST[:PORT]` or `mqtts://HOST[:PORT]`.
  public var url: String
  /// Taken apart from `url`; an IPv6 address without its brackets.
  public var host: String
  /// 1883, or 8883 with TLS, where `url` names none.
  public var port: Int
  public var usesTLS: Bool
  public var username: String?
  /// To be read with `Secret.read(file:)`.
  public var passwordFile: String?
  public var caFile: String?
  /// A client certificate and its key: both or neither.
  public var certFile: String?
  public var keyFile: String?
  /// The broker keeps its session under this name.
  public var clientID: String
  /// Whether nodes of Sparkplug B whose births aren't known are asked for them.
  public var asksForRebirth = true

  public init(
    host: String = "127.0.0.1", port: Int = 1883, usesTLS: Bool = false, username: String? = nil,
    passwordFile: String? = nil, caFile: String? = nil, certFile: String? = nil, keyFile: String? = nil,
    clientID: String
  ) {
    let bracketed = host.contains(":") ? "[\(host)]" : host
    url = "\(usesTLS ? "mqtts" : "mqtt")://\(bracketed):\(port)"
    self.host = host
    self.port = port
    self.usesTLS = usesTLS
    self.username = username
    self.passwordFile = passwordFile
    self.caFile = caFile
    self.certFile = certFile
    self.keyFile = keyFile
    self.clientID = clientID
  }

  public static func defaultClientID(of gatewayID: String) -> String { "lumbung-\(gatewayID)" }
}
