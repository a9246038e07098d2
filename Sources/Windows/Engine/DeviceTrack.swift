import Telemetry

/// What is known of a device besides its open windows, as of the last sealed one.
public struct DeviceTrack: Sendable {
  public let device: Device
  /// Has a record for every window, until it is retired.
  public var isActive: Bool
  /// Up to the last sealed window's end.
  public var lastHeard: Timestamp?
  public var carries: Carries

  public init(device: Device, isActive: Bool = false, lastHeard: Timestamp? = nil, carries: Carries = [:]) {
    self.device = device
    self.isActive = isActive
    self.lastHeard = lastHeard
    self.carries = carries
  }
}
