import Settings
import Telemetry

extension GatewaySettings {
  /// What the configuration may say and this version can't do: refused, rather than passed over in silence.
  public var unsupported: [(message: String, hint: String)] {
    var faults: [(message: String, hint: String)] = []
    if summary.windows.count > 1 {
      faults.append(("summary.window: several lengths can't be used yet", "give one, like window = \"5m\""))
    }
    return faults
  }
}
