/// A `[[source]]` of the configuration, validated: where messages come from and what they mean.
public struct SourceDefinition: Sendable, Hashable {
  public var name: String
  public var topic: TopicPattern
  /// `json`, `scalar`, `frigate`, … or `profile:NAME`.
  public var format: String
  /// What the source says goes before what the format implies.
  public var deviceClass: DeviceClass?
  public var device: Template?
  public var site: Template?
  /// What else is said of its devices: by which groups can be formed (`[[rollup]]`).
  public var labels: [String: Template]
  public var interval: Span?
  public var time: TimeMapping?
  /// Empty: all that the format yields.
  public var metrics: [MetricMapping]
  /// IANA zone in which naive local times of this source's devices are; the gateway's where not given.
  public var timezone: String?
  public var clock: ClockUse
  /// What the messages mean, where `format` is a profile or a metric table says more than a `MetricMapping` can.
  public var profile: Profile?
  /// Names of fields whose values are stored nowhere, besides the built-in ones.
  public var redact: [String] = []
  /// Captures of the topic that tell of people: what they take is stored nowhere.
  public var redactedLevels: [String] = []
  /// Built-in names that tell nothing of people here.
  public var unredacted: [String] = []

  public init(
    name: String, topic: TopicPattern, format: String, deviceClass: DeviceClass? = nil, device: Template? = nil,
    site: Template? = nil, labels: [String: Template] = [:], interval: Span? = nil, time: TimeMapping? = nil,
    metrics: [MetricMapping] = [], timezone: String? = nil, clock: ClockUse = .believe, profile: Profile? = nil
  ) {
    self.name = name
    self.topic = topic
    self.format = format
    self.deviceClass = deviceClass
    self.device = device
    self.site = site
    self.labels = labels
    self.interval = interval
    self.time = time
    self.metrics = metrics
    self.timezone = timezone
    self.clock = clock
    self.profile = profile
  }

  /// The labels of a device whose topic has these captures, sorted by name; one whose captures are not all there is
  /// left out.
  public func deviceLabels(_ captures: [String: String]) -> [Series.Label] {
    labels.compactMap { name, template in template.fill(captures).map { Series.Label(name, $0) } }.sorted()
  }
}

/// What is made of the times that devices say.
public enum ClockUse: String, Sendable, CaseIterable {
  /// They are taken as they are, where they are plausible.
  case believe
  /// Where a device's clock is off by a constant, its times are moved by that.
  case correct
}

/// Where a payload says when.
public struct TimeMapping: Sendable, Hashable {
  public enum Unit: String, Sendable, CaseIterable {
    case seconds = "s"
    case milliseconds = "ms"
    case microseconds = "us"
    case nanoseconds = "ns"
    /// RFC 3339, or the same without an offset: local time in the source's zone.
    case iso
  }

  /// JSON Pointer (RFC 6901).
  public var path: String
  public var unit: Unit

  public init(path: String, unit: Unit) {
    self.path = path
    self.unit = unit
  }
}

/// A `[[source.metric]]`: one value of a payload.
public struct MetricMapping: Sendable, Hashable {
  public var name: String
  /// JSON Pointer (RFC 6901); for `scalar`, empty: the whole payload.
  public var path: String
  public var unit: String
  public var kind: MetricKind

  public init(name: String, path: String, unit: String = "1", kind: MetricKind = .gauge) {
    self.name = name
    self.path = path
    self.unit = unit
    self.kind = kind
  }
}
