import Decoding
import Telemetry
import Windows

/// What deriving needs to know of the configuration, besides sources and rules.
public struct DeriveSettings: Sendable {
  public var gateway: String
  public var windows: WindowSettings
  /// `trust = "always"`: the box's clock is believed though the kernel doesn't vouch for it.
  public var trustsClock: Bool
  public var timezone: String
  /// How often the gateway reports on itself in the `status` lane.
  public var statusInterval: Span
  public var limits = DecodingLimits()
  public var registryLimits = Registry.Limits()

  public init(
    gateway: String, windows: WindowSettings, trustsClock: Bool, timezone: String, statusInterval: Span = .minutes(5)
  ) {
    self.gateway = gateway
    self.windows = windows
    self.trustsClock = trustsClock
    self.timezone = timezone
    self.statusInterval = statusInterval
  }
}
