import Telemetry

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
