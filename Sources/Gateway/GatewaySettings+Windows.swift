import Alarms
import Settings
import Telemetry
import Windows

extension GatewaySettings {
  var windowSettings: WindowSettings {
    WindowSettings(
      length: summary.windows.first ?? .minutes(5), grace: summary.grace, lateness: summary.lateness)
  }

  /// When time must pass in the journal though nothing arrives.
  var pacer: SegmentPacer {
    SegmentPacer(
      windowLength: windowSettings.length, grace: windowSettings.grace,
      shortestWait: AlarmEngine.shortestWait(of: alarms))
  }
}
