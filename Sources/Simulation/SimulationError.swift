import Glibc

/// Why a simulation didn't start, or ended early.
public struct SimulationError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: Sendable {
    /// The scenario, or another option, is wrong: nothing was sent.
    case usage
    /// The broker can't be reached, refuses, or stays away.
    case broker
    /// The record can't be written.
    case record
  }

  public let code: Code
  public let description: String

  static func scenario(_ path: String, line: Int = 0, reason: String) -> SimulationError {
    SimulationError(code: .usage, description: line > 0 ? "\(path):\(line): \(reason)" : "\(path): \(reason)")
  }

  static func option(_ reason: String) -> SimulationError { SimulationError(code: .usage, description: reason) }

  public static func broker(_ url: String, _ reason: String) -> SimulationError {
    SimulationError(code: .broker, description: "\(url): \(reason)")
  }

  static func record(_ path: String, _ reason: String) -> SimulationError {
    SimulationError(code: .record, description: "\(path): the record can't be written: \(reason)")
  }
}

/// The text of `errno`.
func systemError(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }
