/// A `[[rollup]]`: what of a device names its group.
public struct RollupRule: Sendable, Hashable {
  public enum Key: Sendable, Hashable {
    case site
    case deviceClass
    /// A label that a source gives its devices.
    case label(String)
  }

  /// At least one, each once, in the order in which the group's name has them.
  public var by: [Key]

  public init(by: [Key]) { self.by = by }

  /// `nil` where the device lacks what the group goes by.
  public func name(of device: Device) -> String? {
    var parts: [String] = []
    for key in by {
      switch key {
      case .site:
        guard let site = device.site else { return nil }
        parts.append("site=\(site)")
      case .deviceClass: parts.append("class=\(device.deviceClass.rawValue)")
      case .label(let name):
        guard let value = device.label(name) else { return nil }
        parts.append("\(name)=\(value)")
      }
    }
    return parts.joined(separator: ",")
  }
}
