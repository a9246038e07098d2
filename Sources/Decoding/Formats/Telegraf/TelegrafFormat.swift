import Telemetry

/// `format = "telegraf"`: influx line protocol, Telegraf's JSON (single or batch), and its field layout, a bare value
/// whose field is the topic's last level. Which of them, the payload tells.
///
/// Times are in nanoseconds and in seconds by default, and configurable at the sender: the unit is told by the
/// number's size.
final class TelegrafFormat: JSONSourceFormat {
  private let naming: Naming
  private let limits: DecodingLimits
  /// By measurement and tags as they stand in the payload.
  private var points = ByteTable<TelegrafPoint?>()
  private var readers: UInt64 = 0

  init(_ setup: SourceSetup) {
    naming = setup.naming(BuiltInFormat.telegraf.defaultClass)
    limits = setup.limits
  }

  func reader(for topic: RoutedTopic, _ message: Message) -> any TopicReader {
    readers += 1
    return TelegrafReader(self, topic, number: readers)
  }

  /// What is known of points with these tags; `nil` where their device could not be registered. `key` is looked up
  /// beside the topic, since that names the device of points without a tag for it.
  func point(
    _ key: UnsafeRawBufferPointer, topic: TelegrafReader, _ make: () -> TelegrafHead
  ) -> TelegrafPoint? {
    if let known = points.find(key, salt: topic.number) { return known }
    let head = make()
    let identity = head.identity
    let name = identity?.value ?? topic.topic.text
    let tags = Dictionary(head.tags, uniquingKeysWith: { first, _ in first })
    let made = naming.device(topic.topic.captures, default: name, extra: tags).map {
      TelegrafPoint(device: $0, measurement: head.measurement, labels: head.labels)
    }
    if points.count >= limits.topics { points.removeAll() }
    points.insert(made, for: key, salt: topic.number)
    return made
  }

  func fieldDevice(_ topic: RoutedTopic) -> Device? {
    naming.device(topic.captures, default: topic.levels.dropLast().joined(separator: "/"))
  }
}

/// A point's measurement and tags.
struct TelegrafHead {
  var measurement: String
  var tags: [(String, String)]

  private static let identities = ["agent_host", "sysName", "source", "url", "host"]
  private static let interfaceTags = ["ifName", "ifDescr", "ifIndex"]
  /// Tags of the device or the collector, not of the series.
  private static let passedOver: Set<String> = [
    "agent_host", "sysName", "sysLocation", "sysDescr", "sysContact", "host",
  ]

  var identity: (key: String, value: String)? {
    for key in TelegrafHead.identities {
      if let tag = tags.first(where: { $0.0 == key && !$0.1.isEmpty }) { return (tag.0, tag.1) }
    }
    return nil
  }

  var labels: [Series.Label] {
    var labels: [Series.Label] = []
    let path = tags.first { $0.0 == "path" }?.1 ?? ""
    let isInterfacePath = path.contains("/interfaces/interface")
    if let name = TelegrafHead.interfaceTags.lazy.compactMap({ key in tags.first { $0.0 == key } }).first {
      labels.append(Series.Label("interface", name.1))
    }
    for (key, value) in tags {
      let isPassedOver =
        TelegrafHead.passedOver.contains(key) || TelegrafHead.interfaceTags.contains(key) || key == "ifAlias"
        || key == identity?.key || key.lowercased().contains("descr") || (isInterfacePath && key == "path")
      guard !isPassedOver else { continue }
      let name = isInterfacePath && key == "name" ? "interface" : key
      if !labels.contains(where: { $0.name == name }) { labels.append(Series.Label(name, value)) }
    }
    return labels
  }
}

/// What is remembered of points with the same tags: their device, and the series of their fields.
final class TelegrafPoint {
  struct Field {
    let entry: CatalogueEntry
    let series: Series
    let scale: Double
    let isWide: Bool
  }

  let device: Device
  let measurement: String
  private let labels: [Series.Label]
  /// By field, and whether its value is a number (0) or not (1).
  private var fields = ByteTable<Field>()

  init(device: Device, measurement: String, labels: [Series.Label]) {
    self.device = device
    self.measurement = measurement
    self.labels = labels
  }

  /// `nil` where the limit of known series is reached.
  func field(_ name: UnsafeRawBufferPointer, isNumber: Bool, _ message: Message) -> Field? {
    if let known = fields.find(name, salt: isNumber ? 0 : 1) { return known }
    let text = String(utf8: name)
    let folded = String(text.lowercased().map { $0 == "-" ? "_" : $0 })
    let field: Field?
    if let rule = TelegrafMetrics.rules[folded], isNumber || rule.entry.kind == .state {
      field = message.registry.series(
        of: device, rule.entry.metric, labels: labels + rule.labels, unit: rule.entry.unit, kind: rule.entry.kind
      ).map { Field(entry: rule.entry, series: $0, scale: rule.scale, isWide: rule.isWide) }
    } else {
      let entry = isNumber ? TelegrafMetrics.number : TelegrafMetrics.word
      let metric = measurement.isEmpty ? text : "\(measurement).\(text)"
      field = message.registry.series(of: device, metric, labels: labels, unit: entry.unit, kind: entry.kind)
        .map { Field(entry: entry, series: $0, scale: 1, isWide: false) }
    }
    if let field { fields.insert(field, for: name, salt: isNumber ? 0 : 1) }
    return field
  }
}
