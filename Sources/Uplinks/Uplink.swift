import Outbox
import Telemetry

/// Makes the uplink that a definition asks for.
public enum Uplink {
  /// - Throws: `UplinkError` where the transport isn't built yet, or the definition can't work.
  public static func make(
    definition: UplinkDefinition, outbox: Outbox, gateway: String, token: @escaping @Sendable () throws -> String?,
    log: @escaping @Sendable (HTTPUplink.Level, String) -> Void
  ) throws(UplinkError) -> HTTPUplink {
    try HTTPUplink(definition: definition, outbox: outbox, gateway: gateway, token: token, log: log)
  }
}
