/// `[[rollup]]`: summaries of groups of devices, beside those of each.
public struct RollupSettings: Sendable, Hashable {
  /// What devices of a group have in common.
  public enum Key: String, Sendable, CaseIterable {
    case site
    case deviceClass = "class"
  }

  /// At least one, each once.
  public var by: [Key]

  public init(by: [Key]) { self.by = by }
}
