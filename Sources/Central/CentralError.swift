/// Why the receiver doesn't run, with the exit code of sysexits that says so.
public enum CentralError: Error, Sendable, Equatable, CustomStringConvertible {
  /// 78: what was asked for can't be; the text says what helps.
  case configuration(String)
  /// 74: the disk or the database refused.
  case storage(String)
  /// 69: something that it needs isn't to be had, such as the port.
  case unavailable(String)

  public var exitCode: Int32 {
    switch self {
    case .configuration: 78
    case .storage: 74
    case .unavailable: 69
    }
  }

  public var description: String {
    switch self {
    case .configuration(let text), .storage(let text), .unavailable(let text): text
    }
  }
}
