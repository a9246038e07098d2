import Decoding
import Telemetry
import Windows

/// What deriving needs to know of the configuration, besides sources and rules.
public struct DeriveSettings: Sendable {
  public var gateway: String
  public var windows: WindowSettings
  public var rollups: [RollupRule]
  /// `trust = "always"`: the box's clock is believed though the kernel doesn't vouch for it.
  public var trustsClock: Bool
  public var timezone: String
  /// How often the gateway reports on itself in the `status` lane.
  public var statusInterval: Span
  /// Whether the content of every window is kept, for late readings whose window's other messages will be gone.
  public var keepsContents = false
  public var limits = DecodingLimits()
  public var registryLimits = Registry.Limits()

  public init(
    gateway: String, windows: WindowSettings, rollups: [RollupRule] = [], trustsClock: Bool, timezone: String,
    statusInterval: Span = .minutes(5)
  ) {
    self.gateway = gateway
    self.windows = windows
    self.rollups = rollups
    self.trustsClock = trustsClock
    self.timezone = timezone
    self.statusInterval = statusInterval
  }
}
