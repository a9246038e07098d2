import Alarms
import Derive
import Settings
import Telemetry
import Windows

extension GatewaySettings {
  /// `[summary]`, as the windows take it.
  var windows: WindowSettings {
    WindowSettings(
      length: summary.windows.first ?? .minutes(5), longer: Array(summary.windows.dropFirst()), grace: summary.grace,
      lateness: summary.lateness)
  }

  /// When time must pass in the journal though nothing arrives.
  var pacer: SegmentPacer {
    SegmentPacer(
      windowLength: windows.length, grace: windows.grace, shortestWait: AlarmEngine.shortestWait(of: alarms))
  }

  /// What deriving needs to know of the configuration, besides sources and rules.
  public var deriveSettings: DeriveSettings {
    var derive = DeriveSettings(
      gateway: gatewayID, windows: windows,
      rollups: rollups, trustsClock: trust == .always, timezone: timezone)
    // Where messages go before a late one may still come, what was made of them must be kept.
    derive.keepsContents = store.rawRetention <= summary.lateness
    derive.limits = decodingLimits
    derive.registryLimits = registryLimits
    return derive
  }
}
