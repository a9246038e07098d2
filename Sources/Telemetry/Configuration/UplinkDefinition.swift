/// An `[[uplink]]` of the configuration, validated: somewhere that records must go.
public struct UplinkDefinition: Sendable, Hashable {
  public enum Transport: String, Sendable, CaseIterable {
    case http, mqtt, influx
  }

  public enum Compression: String, Sendable, CaseIterable {
    case gzip, zstd
  }

  public var name: String
  public var transport: Transport
  public var url: String
  /// File that holds the bearer token; read again at every connection, so that it can be changed in place.
  public var tokenFile: String?
  public var caFile: String?
  public var certFile: String?
  public var keyFile: String?
  public var compression: Compression
  /// How long one request may take before it counts as failed.
  public var timeout: Span
  /// An optional destination does not hold back what others have received.
  public var optional: Bool

  public init(
    name: String, transport: Transport = .http, url: String, tokenFile: String? = nil, caFile: String? = nil,
    certFile: String? = nil, keyFile: String? = nil, compression: Compression = .gzip, timeout: Span = .seconds(30),
    optional: Bool = false
  ) {
    self.name = name
    self.transport = transport
    self.url = url
    self.tokenFile = tokenFile
    self.caFile = caFile
    self.certFile = certFile
    self.keyFile = keyFile
    self.compression = compression
    self.timeout = timeout
    self.optional = optional
  }
}
