/// Where a broker listens.
public struct BrokerAddress: Sendable, Hashable, CustomStringConvertible {
  public enum Scheme: String, Sendable {
    case mqtt
    /// MQTT over TLS.
    case mqtts
  }

  public let scheme: Scheme
  /// A name or an address; IPv6 without brackets.
  public let host: String
  public let port: Int

  public init(scheme: Scheme = .mqtt, host: String, port: Int? = nil) {
    self.scheme = scheme
    self.host = host
    self.port = port ?? BrokerAddress.defaultPort(scheme)
  }

  /// Reads `mqtt://host`, `mqtts://host:8883`, `mqtt://[::1]:1883`. `nil` for anything else: another scheme, a user
  /// or password (secrets don't belong in a URL), a path, a port outside 1 to 65535.
  public init?(url: String) {
    guard let colon = url.firstIndex(of: ":"), let scheme = Scheme(rawValue: url[..<colon].lowercased()) else {
      return nil
    }
    var rest = url[url.index(after: colon)...]
    guard rest.hasPrefix("//") else { return nil }
    rest = rest.dropFirst(2)
    if rest.hasSuffix("/") { rest = rest.dropLast() }

    let host: Substring
    if rest.hasPrefix("[") {
      guard let close = rest.firstIndex(of: "]") else { return nil }
      host = rest[rest.index(after: rest.startIndex)..<close]
      rest = rest[rest.index(after: close)...]
      guard host.utf8.allSatisfy({ $0 == 0x3a || $0 == 0x2e || $0 == 0x25 || BrokerAddress.isAlphanumeric($0) }) else {
        return nil
      }
    } else {
      host = rest.prefix { $0 != ":" }
      rest = rest[host.endIndex...]
      guard host.utf8.allSatisfy({ $0 == 0x2d || $0 == 0x2e || $0 == 0x5f || BrokerAddress.isAlphanumeric($0) }) else {
        return nil
      }
    }
    guard !host.isEmpty, host.utf8.count <= 255 else { return nil }
    self.scheme = scheme
    self.host = String(host)
    if rest.isEmpty {
      port = BrokerAddress.defaultPort(scheme)
    } else {
      let digits = rest.dropFirst()
      guard rest.hasPrefix(":"), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits),
        (1...65_535).contains(port)
      else { return nil }
      self.port = port
    }
  }

  public var description: String {
    "\(scheme.rawValue)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
  }

  private static func defaultPort(_ scheme: Scheme) -> Int {
    switch scheme {
    case .mqtt: 1883
    case .mqtts: 8883
    }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: false
    }
  }
}
