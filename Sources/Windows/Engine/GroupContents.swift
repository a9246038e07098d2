import Telemetry

/// A `[[rollup]]`: what of a device names its group.
public struct RollupRule: Sendable, Hashable {
  public enum Key: Sendable, Hashable {
    case site
    case deviceClass
    case label(String)
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
      case .label(let name):
        guard let value = device.label(name) else { return nil }
        parts.append("\(name)=\(value)")
      }
    }
    return parts.joined(separator: ",")
  }
}

/// The contents of all groups of one window, joined from the devices'.
public final class GroupContents {
  private struct Member {
    let device: Device
    let content: WindowContent
  }

  private struct Group {
    let device: Device
    var members: [Member] = []
  }

  private let registry: Registry
  private let start: Timestamp
  private let end: Timestamp
  private var groups: [String: Group] = [:]

  /// - Parameter registry: of groups, apart from the devices'.
  public init(start: Timestamp, end: Timestamp, registry: Registry) {
    self.start = start
    self.end = end
    self.registry = registry
  }

  /// Joins a device's window to its group under this rule.
  public func add(_ content: WindowContent, of device: Device, _ rule: RollupRule) {
    guard let name = rule.name(of: device) else { return }
    if groups[name] == nil {
      let deviceClass = rule.by.contains(.deviceClass) ? device.deviceClass : .other
      guard let own = registry.device(name, class: deviceClass, site: rule.by.contains(.site) ? device.site : nil)
      else { return }
      groups[name] = Group(device: own)
    }
    groups[name]?.members.append(Member(device: device, content: content))
  }

  /// By name.
  public func summaries(silence: TimeQuality) -> [SealedSummary] {
    groups.values.sorted { $0.device.name < $1.device.name }.map {
      SealedSummary(group: $0.device, start: start, end: end, content: content($0), silence: silence)
    }
  }

  /// Devices are joined by name: in whatever order they were first heard, the group is the same to the last digit.
  private func content(_ group: Group) -> WindowContent {
    var content = WindowContent()
    var places: [Int: Int] = [:]
    for member in group.members.sorted(by: { $0.device.name < $1.device.name }) {
      content.join(
        member.content, expected: SummaryRecord.expected(member.device, start, end), group: group.device,
        registry: registry, places: &places)
    }
    return content
  }

  /// A group that has no member any more.
  public func empty(_ group: Device, silence: TimeQuality) -> SealedSummary {
    SealedSummary(group: group, start: start, end: end, content: WindowContent(), silence: silence)
  }
}
