/// An address to listen on: `127.0.0.1:8470`, `[::1]:8470`.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
  /// A name or an address, an IPv6 one without brackets.
  public var host: String
  /// 0 lets the system choose.
  public var port: Int

  /// Only the box itself can reach it.
  public static let standard = ListenAddress(host: "127.0.0.1", port: 8470)

  public init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// `nil` for anything that isn't HOST:PORT.
  public init?(_ text: String) {
    guard let authority = Authority(text), let port = authority.port else { return nil }
    self.init(host: authority.host, port: port)
  }

  /// Whether only the box itself can reach it.
  public var isLoopback: Bool { ListenAddress.isLoopback(host) }

  static func isLoopback(_ host: String) -> Bool {
    let host = host.lowercased()
    return host == "localhost" || host == "::1" || host.hasPrefix("127.")
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
