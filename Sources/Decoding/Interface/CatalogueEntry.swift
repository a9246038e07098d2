import Telemetry

/// A metric that a built-in format emits: the format's code and its documentation are made from the same entry.
public struct CatalogueEntry: Sendable, Hashable {
  /// A part in braces stands for what the payload says: `tasmota.{sensor}.{field}`.
  public let metric: String
  /// UCUM.
  public let unit: String
  public let kind: MetricKind
  public let meaning: String

  init(_ metric: String, _ unit: String, _ kind: MetricKind, _ meaning: String) {
    self.metric = metric
    self.unit = unit
    self.kind = kind
    self.meaning = meaning
  }

  /// Whether an emitted metric is this one.
  public func covers(_ name: String) -> Bool {
    guard metric.contains("{") else { return metric == name }
    var glob = ""
    var depth = 0
    for character in metric {
      switch character {
      case "{":
        if depth == 0 { glob += "*" }
        depth += 1
      case "}": depth -= 1
      default: if depth == 0 { glob.append(character) }
      }
    }
    return Glob(glob).matches(name)
  }
}
