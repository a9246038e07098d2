import Telemetry

/// When a device was last heard, or a series that rules judge was last read: silence counts from there, and what is older
/// says nothing of now.
public struct LastHeard: Sendable {
  public var device: Device
  /// `nil` for the device itself.
  public var series: Series?
  /// Of a device in the gateway's time, of a series in its readings'.
  public var time: Timestamp

  public init(device: Device, series: Series?, time: Timestamp) {
    self.device = device
    self.series = series
    self.time = time
  }
}
