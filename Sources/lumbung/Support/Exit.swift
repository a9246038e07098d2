import ArgumentParser
import Glibc

/// Exit statuses of sysexits(3), as the contract lists them.
enum Exit {
  static let usage: Int32 = 64
  static let data: Int32 = 65
  static let unavailable: Int32 = 69
  static let io: Int32 = 74
  static let configuration: Int32 = 78

  /// Says why on standard error, and ends the command with this status.
  static func failing(_ status: Int32, _ reason: some CustomStringConvertible) -> ExitCode {
    Console.error("\(reason)")
    return ExitCode(status)
  }
}
