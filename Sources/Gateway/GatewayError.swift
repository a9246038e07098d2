/// Why the gateway could not start, or can't go on.
public struct GatewayError: Error, Sendable, CustomStringConvertible {
  /// Exit statuses of sysexits(3), which systemd and scripts understand.
  public enum Status: Int32, Sendable {
    case unavailable = 69
    case io = 74
    case configuration = 78
  }

  public let status: Status
  public let description: String
  /// Whether it is over once there is room on the disk, or the file system takes writes again.
  let mayPass: Bool

  init(_ status: Status, _ description: String, mayPass: Bool = false) {
    self.mayPass = mayPass
    self.status = status
    self.description = description
  }
}
