import Telemetry

/// A `[[rollup]]`: what of a device names its group.
public struct RollupRule: Sendable, Hashable {
  public enum Key: String, Sendable, CaseIterable {
    case site
    case deviceClass = "class"
  }

  /// At least one, in the order in which the group's name has them.
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
      }
    }
    return parts.joined(separator: ",")
  }
}

/// The contents of all groups of one window, joined from the devices'.
public final class GroupContents {
  private struct Gathering {
    let device: Device
    var content = WindowContent()
    var places: [Int: Int] = [:]
  }

  private let registry: Registry
  private let start: Timestamp
  private let end: Timestamp
  private var groups: [String: Gathering] = [:]

  /// - Parameter registry: of groups, apart from the devices'.
  public init(start: Timestamp, end: Timestamp, registry: Registry) {
    self.start = start
    self.end = end
    self.registry = registry
  }

  /// Joins a device's window to its group under this rule.
  public func add(_ content: WindowContent, of device: Device, _ rule: RollupRule) {
    guard let name = rule.name(of: device) else { return }
    var gathering: Gathering
    if let known = groups.removeValue(forKey: name) {
      gathering = known
    } else {
      let hasClass = rule.by.contains(.deviceClass)
      guard
        let group = registry.device(
          name, class: hasClass ? device.deviceClass : .other, site: rule.by.contains(.site) ? device.site : nil)
      else { return }
      gathering = Gathering(device: group)
    }
    gathering.content.join(
      content, expected: SummaryRecord.expected(device, start, end), group: gathering.device, registry: registry,
      places: &gathering.places)
    groups[name] = gathering
  }

  /// By name.
  public func summaries(silence: TimeQuality) -> [SealedSummary] {
    groups.values.sorted { $0.device.name < $1.device.name }.map {
      SealedSummary(group: $0.device, start: start, end: end, content: $0.content, silence: silence)
    }
  }

  /// A group that has no member any more.
  public func empty(_ group: Device, silence: TimeQuality) -> SealedSummary {
    SealedSummary(group: group, start: start, end: end, content: WindowContent(), silence: silence)
  }
}
