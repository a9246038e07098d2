/// `[[rollup]]`: summaries of groups of devices, beside those of each.
public struct RollupSettings: Sendable, Hashable {
  /// What devices of a group have in common.
  public enum Key: Sendable, Hashable {
    case site
    case deviceClass
    /// A label that a source gives its devices.
    case label(String)
  }

  /// At least one, each once.
  public var by: [Key]

  public init(by: [Key]) { self.by = by }
}
