import Decoding
import Settings
import Telemetry

extension GatewaySettings {
  /// `[limits]`, as decoding takes it.
  public var decodingLimits: DecodingLimits {
    DecodingLimits(
      payloadBytes: Int(limits.payload.bytes), nesting: limits.nesting, fields: limits.fields, topics: limits.topics)
  }

  public var registryLimits: Registry.Limits {
    Registry.Limits(devices: limits.devices, series: limits.series)
  }
}
