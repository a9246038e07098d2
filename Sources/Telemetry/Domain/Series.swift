/// One metric of one device, with its labels: what a reading belongs to. Made only by `Registry`.
public final class Series: Sendable {
  public struct Label: Hashable, Sendable, Comparable {
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }

    public static func < (a: Label, b: Label) -> Bool { (a.name, a.value) < (b.name, b.value) }
  }

  public let device: Device
  public let metric: String
  /// Sorted by name.
  public let labels: [Label]
  /// UCUM; `1` where the metric has none.
  public let unit: String
  public let kind: MetricKind
  /// Position in the registry that made it: dense from 0.
  public let index: Int
  /// The metric's name in a record: `metric`, or `metric{label=value,…}`.
  public let key: String

  init(device: Device, metric: String, labels: [Label], unit: String, kind: MetricKind, index: Int) {
    self.device = device
    self.metric = metric
    self.labels = labels
    self.unit = unit
    self.kind = kind
    self.index = index
    key = Series.key(metric, labels)
  }

  public static func key(_ metric: String, _ labels: [Label]) -> String {
    labels.isEmpty ? metric : metric + "{" + labels.map { "\($0.name)=\($0.value)" }.joined(separator: ",") + "}"
  }
}
