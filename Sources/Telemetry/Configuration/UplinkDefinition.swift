/// An `[[uplink]]` of the configuration, validated: somewhere that records must go.
public struct UplinkDefinition: Sendable, Hashable {
  public enum Transport: String, Sendable, CaseIterable {
    case http, mqtt, influx
  }

  public enum Compression: String, Sendable, CaseIterable {
    case gzip, zstd
  }

  /// What goes first once the link is back after an outage.
  public enum DrainOrder: String, Sendable, CaseIterable {
    /// What is sealed from now on; the backlog in the gaps.
    case liveFirst = "live-first"
    /// Everything in the order in which it was sealed.
    case oldestFirst = "oldest-first"
  }

  /// With what a destination begins that is added to a gateway which has others already.
  public enum Start: String, Sendable, CaseIterable {
    case now, oldest
  }

  public var name: String
  public var transport: Transport
  public var url: String
  /// Further addresses of the same cluster, tried in this order where `url` fails. For MQTT only.
  public var alternatives: [String] = []
  /// For MQTT only.
  public var username: String?
  /// File that holds the password of `username`; read again at every connection.
  public var passwordFile: String?
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
  public var drain: DrainOrder
  public var start: Start = .now
  public var filter: RecordFilter = .all
  public var traffic: TrafficRules = TrafficRules()
  /// Whether the destination may ask for raw messages.
  public var backfill: Bool = false

  public init(
    name: String, transport: Transport = .http, url: String, tokenFile: String? = nil, caFile: String? = nil,
    certFile: String? = nil, keyFile: String? = nil, compression: Compression = .gzip, timeout: Span = .seconds(30),
    optional: Bool = false, drain: DrainOrder? = nil
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
    // A time series takes what was written last; an older revision must not come after a newer one.
    self.drain = drain ?? (transport == .influx ? .oldestFirst : .liveFirst)
  }
}
