import Settings
import Telemetry

extension GatewaySettings {
  /// What the configuration may say and this version can't do: refused, rather than passed over in silence.
  public var unsupported: [(message: String, hint: String)] {
    var faults: [(message: String, hint: String)] = []
    for uplink in uplinks where uplink.transport != .http {
      faults.append(
        ("uplink \(uplink.name): type = \"\(uplink.transport.rawValue)\" can't be used yet", "use type = \"http\""))
    }
    return faults
  }
}
