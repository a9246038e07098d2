import Telemetry

/// What a mapping's reader did with a payload, leaf by leaf; kept only where someone asked for an explanation.
final class MappingTrace {
  private(set) var rule: String?
  private(set) var captures: [String: String] = [:]
  /// Paths in the order of the observations.
  private(set) var taken: [String?] = []
  private(set) var used: [(path: String, use: String)] = []
  private(set) var left: [(path: String, reason: String)] = []

  func began(_ rule: String, _ captures: [String: String]) {
    self.rule = rule
    self.captures = captures
  }

  func took(_ path: String?) { taken.append(path) }
  func used(_ path: String, _ use: String) { used.append((path, use)) }
  func left(_ path: String, _ reason: String) { left.append((path, reason)) }
}
