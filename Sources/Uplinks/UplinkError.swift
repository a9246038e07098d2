/// Why an uplink can't be made: what was attempted, on what, why not, and what helps.
public struct UplinkError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: Sendable, Equatable {
    case invalidURL
    /// libcurl, or the system, has no room for it.
    case system
  }

  public let code: Code
  public let uplink: String
  public let message: String
  public let hint: String

  public var description: String { "uplink \(uplink): \(message); \(hint)" }
}
