import Telemetry

/// A message of the district, and when it is to be published.
public struct PlannedMessage: Sendable, Equatable {
  /// From 1, without holes, in the order of publishing.
  public let number: UInt64
  /// After the simulation's start; never less than that of the message before.
  public let at: Span
  public let topic: String
  public let payload: [UInt8]
  public let retained: Bool
  public let kind: Irregularity
  /// Which device of the district sends it; no topic belongs to two.
  public let device: String
  /// The devices of which a gateway with `Config/simulated-district.toml` must count this message, once each; none
  /// where it is rubbish.
  public let devices: [String]
  /// The time that the payload bears, which the gateway must take for all of them; `nil` where it must take the time of
  /// receipt: the payload bears none, or none that can be believed.
  public let time: Timestamp?
}
