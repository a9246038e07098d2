import Telemetry

/// A whole configuration, validated. Equal settings mean that a reload has nothing to do.
public struct GatewaySettings: Sendable, Hashable {
  /// Unique among the gateways of one central server: `[a-z0-9-]`, at most 64 characters.
  public var gatewayID: String
  /// IANA zone in which naive local times of devices are, unless their source says otherwise.
  public var timezone: String
  public var labels: [String: String]
  public var broker: BrokerSettings
  public var store: StoreSettings
  public var summary: SummarySettings
  public var trust: ClockTrust
  public var limits: LimitSettings
  /// In the order of the file: where the topics of two overlap, the first takes the message.
  public var sources: [SourceDefinition]
  public var alarms: [AlarmRule]
  public var rollups: [RollupRule]
  public var uplinks: [UplinkDefinition]
  public var admin: AdminSettings
  public var logLevel: LogLevel

  /// Everything but the identity has the default that an empty configuration would give it.
  public init(
    gatewayID: String, timezone: String = "UTC", labels: [String: String] = [:], broker: BrokerSettings? = nil,
    store: StoreSettings = StoreSettings(), summary: SummarySettings = SummarySettings(),
    trust: ClockTrust = .kernel, limits: LimitSettings = LimitSettings(), sources: [SourceDefinition] = [],
    alarms: [AlarmRule] = [], rollups: [RollupRule] = [], uplinks: [UplinkDefinition] = [],
    admin: AdminSettings = AdminSettings(), logLevel: LogLevel = .info
  ) {
    self.gatewayID = gatewayID
    self.timezone = timezone
    self.labels = labels
    self.broker = broker ?? BrokerSettings(clientID: BrokerSettings.defaultClientID(of: gatewayID))
    self.store = store
    self.summary = summary
    self.trust = trust
    self.limits = limits
    self.sources = sources
    self.alarms = alarms
    self.rollups = rollups
    self.uplinks = uplinks
    self.admin = admin
    self.logLevel = logLevel
  }
}
