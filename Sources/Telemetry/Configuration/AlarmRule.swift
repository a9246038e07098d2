/// An `[[alarm]]` of the configuration, validated.
public struct AlarmRule: Sendable, Hashable {
  public enum Severity: String, Sendable, CaseIterable {
    case critical, warning, info
  }

  public enum Condition: Sendable, Hashable {
    /// Raised while the reading is below `limit`, cleared when it is above `clear` (`clear` ≥ `limit`).
    case below(limit: Double, clear: Double)
    /// Raised while the reading is above `limit`, cleared when it is below `clear` (`clear` ≤ `limit`).
    case above(limit: Double, clear: Double)
    /// Raised when nothing was heard of the device for so long, cleared when it is heard again.
    case missing(Span)
  }

  public var name: String
  /// All that are given must match.
  public var deviceClass: DeviceClass?
  public var device: Glob?
  public var site: Glob?
  /// The metric that is compared; `nil` for `missing`.
  public var metric: String?
  public var condition: Condition
  /// How long the condition must hold before the alarm is raised.
  public var hold: Span
  public var severity: Severity

  public init(
    name: String, deviceClass: DeviceClass? = nil, device: Glob? = nil, site: Glob? = nil, metric: String? = nil,
    condition: Condition, hold: Span = .zero, severity: Severity = .warning
  ) {
    self.name = name
    self.deviceClass = deviceClass
    self.device = device
    self.site = site
    self.metric = metric
    self.condition = condition
    self.hold = hold
    self.severity = severity
  }

  public func applies(to device: Device) -> Bool {
    (deviceClass == nil || deviceClass == device.deviceClass)
      && (self.device?.matches(device.name) ?? true)
      && (site.map { glob in device.site.map(glob.matches) ?? false } ?? true)
  }
}
