import Telemetry

extension WindowEngine {
  /// A window that is due, before it is sealed.
  public struct Due {
    public let start: Timestamp
    /// The segments that hold its readings; `nil` where it has none.
    public let segments: ClosedRange<Int64>?
    /// Devices whose readings came out of an order that matters: to be computed again before sealing.
    public let disordered: [Device]
    /// All devices that were heard in it, by `Device.index`.
    public let heard: Set<Int>
  }
}
