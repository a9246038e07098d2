import Telemetry

/// What the events of ONVIF's topic tree mean: by the topic without namespaces, and the data item's name.
///
/// A class, so that going through the rules of a topic copies no texts.
final class DeviceEventRule: Sendable {
  enum Reading: Sendable {
    /// The item is true or false.
    case state
    /// The item is a number.
    case number
    /// The event itself; its items are attributes.
    case event
  }

  /// Matches topics that are this or begin with this and a slash.
  let topic: String
  /// In small letters, found without regard to case; `nil` for the event itself.
  let item: String?
  let reading: Reading
  let entry: CatalogueEntry

  init(topic: String, item: String?, reading: Reading, entry: CatalogueEntry) {
    self.topic = topic
    self.item = item?.lowercased()
    self.reading = reading
    self.entry = entry
  }

  /// The item that the rule is about, where the event bears it.
  func item(of items: [(name: String, value: VendorValue)]) -> (name: String, value: VendorValue)? {
    guard let item else { return nil }
    return items.first { DeviceEventRule.isSame($0.name, item) }
  }

  /// - Parameter lower: in small letters of ASCII.
  private static func isSame(_ name: String, _ lower: String) -> Bool {
    guard name.utf8.count == lower.utf8.count else { return false }
    for (a, b) in zip(name.utf8, lower.utf8) where (UInt8(ascii: "A")...UInt8(ascii: "Z") ~= a ? a | 0x20 : a) != b {
      return false
    }
    return true
  }

  /// No rule's topic lies below another's.
  static func find(_ topic: String) -> [DeviceEventRule] {
    var prefix = topic[...]
    while true {
      if let rules = byTopic[prefix] { return rules }
      guard let slash = prefix.utf8.lastIndex(of: UInt8(ascii: "/")) else { return [] }
      prefix = prefix[..<slash]
    }
  }

  private static let byTopic = Dictionary(grouping: all) { $0.topic[...] }

  static let fanFailure = CatalogueEntry("hw.fan.failure", "1", .state, "whether a fan failed: true or false")
  static let powerFailure = CatalogueEntry(
    "hw.power_supply.failure", "1", .state, "whether a power supply failed: true or false")
  static let overheated = CatalogueEntry(
    "hw.temperature.critical", "1", .state, "whether the temperature is critical: true or false")
  static let temperatureLimit = CatalogueEntry(
    "hw.temperature.limit", "Cel", .gauge, "temperature beyond which the device warns")
  static let objectDetected = CatalogueEntry(
    "camera.object_detected", "1", .state, "whether an analytics scenario is met: true or false; label scenario")

  static let entries: [CatalogueEntry] = [
    SharedMetrics.motion, SharedMetrics.tamper, SharedMetrics.signalLoss, SharedMetrics.objectInside,
    SharedMetrics.lineCrossed, SharedMetrics.counted, SharedMetrics.digitalInput, SharedMetrics.relay,
    SharedMetrics.storageFailure, SharedMetrics.temperature, fanFailure, powerFailure, overheated, temperatureLimit,
  ]

  private static let all: [DeviceEventRule] = [
    state("VideoSource/MotionAlarm", "State", SharedMetrics.motion),
    state("RuleEngine/CellMotionDetector/Motion", "IsMotion", SharedMetrics.motion),
    state("RuleEngine/MotionRegionDetector/Motion", "State", SharedMetrics.motion),
    state("VideoAnalytics/Motion", "State", SharedMetrics.motion),
    state("VideoSource/GlobalSceneChange", "State", SharedMetrics.tamper),
    state("RuleEngine/TamperDetector/Tamper", "IsTamper", SharedMetrics.tamper),
    state("VideoSource/Tampering", "active", SharedMetrics.tamper),
    state("VideoSource/Tampering", "tampering", SharedMetrics.tamper),
    state("VideoSource/SignalLoss", "State", SharedMetrics.signalLoss),
    state("VideoSource/ConnectionFailed", "State", SharedMetrics.signalLoss),
    state("RuleEngine/FieldDetector/ObjectsInside", "IsInside", SharedMetrics.objectInside),
    DeviceEventRule(
      topic: "RuleEngine/LineDetector/Crossed", item: nil, reading: .event, entry: SharedMetrics.lineCrossed),
    DeviceEventRule(
      topic: "RuleEngine/CountAggregation/Counter", item: "Count", reading: .number, entry: SharedMetrics.counted),
    state("Device/Trigger/DigitalInput", "LogicalState", SharedMetrics.digitalInput),
    state("Device/IO/Port", "state", SharedMetrics.digitalInput),
    state("Device/IO/VirtualPort", "state", SharedMetrics.digitalInput),
    state("Device/Trigger/Relay", "LogicalState", SharedMetrics.relay),
    state("Device/HardwareFailure/StorageFailure", "Failed", SharedMetrics.storageFailure),
    state("Device/HardwareFailure/FanFailure", "Failed", fanFailure),
    state("Device/HardwareFailure/PowerSupplyFailure", "Failed", powerFailure),
    state("Device/HardwareFailure/TemperatureCritical", "Critical", overheated),
    DeviceEventRule(
      topic: "Device/Sensor/Temperature", item: "Value", reading: .number, entry: SharedMetrics.temperature),
    DeviceEventRule(topic: "Device/Sensor/Temperature", item: "Threshold", reading: .number, entry: temperatureLimit),
  ]

  private static func state(_ topic: String, _ item: String, _ entry: CatalogueEntry) -> DeviceEventRule {
    DeviceEventRule(topic: topic, item: item, reading: .state, entry: entry)
  }
}

/// Turns one event of ONVIF's tree into readings.
struct DeviceEvent {
  /// Without namespaces and sources: `VideoSource/MotionAlarm`.
  let topic: String
  let labels: [Series.Label]
  let device: Device
  let moment: Moment
  /// The metrics of topics that no rule knows: `onvif.{topic}.{item}`, as number, as state and as event.
  let other: Other

  struct Other {
    let prefix: String
    let number: CatalogueEntry
    let state: CatalogueEntry
    let event: CatalogueEntry

    init(_ prefix: String) {
      self.prefix = prefix
      number = CatalogueEntry("\(prefix).{topic}.{item}", "1", .gauge, "a number of a topic that has no rule")
      state = CatalogueEntry("\(prefix).{topic}.{item}", "1", .state, "a state of a topic that has no rule")
      event = CatalogueEntry("\(prefix).{topic}", "1", .event, "an event of a topic that has no rule")
    }

    var entries: [CatalogueEntry] { [number, state, event] }
  }

  /// - Parameter data: the event's items; `nil` where it has none.
  func take(_ data: JSONValue?, path: String, _ message: Message) {
    var items: [(name: String, value: VendorValue)] = []
    let members = data.map { Array($0.members) } ?? []
    for (key, value) in members {
      let name = String(utf8: UnsafeRawBufferPointer(rebasing: key.prefix(64)))
      let read = VendorValue(value, limits: message.limits)
      if case .fault(let reason) = read {
        message.fault(DecodingFault(path: path + "/" + JSONPointer.escape(name), reason))
      } else if read.label != nil {
        items.append((name, read))
      }
    }
    let rules = DeviceEventRule.find(topic)
    // A topic that a rule knows may bear other items than the rule's in another maker's cameras.
    if rules.contains(where: { $0.item(of: items) != nil || $0.item == nil }) {
      for rule in rules { take(rule, items, path, message) }
    } else {
      takeUnknown(items, message)
    }
  }

  private func take(
    _ rule: DeviceEventRule, _ items: [(name: String, value: VendorValue)], _ path: String, _ message: Message
  ) {
    guard rule.item != nil else {
      return message.emit(
        device, rule.entry, event: 1, moment, labels: labels, attributes: attributes(items.map { $0 }))
    }
    guard let item = rule.item(of: items) else { return }
    switch rule.reading {
    case .number:
      guard case .number(let number) = item.value else {
        return message.fault(DecodingFault(path: path + "/" + JSONPointer.escape(item.name), "is no number"))
      }
      message.emit(device, rule.entry, number, moment, labels: labels)
    case .state:
      guard let flag = item.value.boolean else {
        return message.fault(
          DecodingFault(path: path + "/" + JSONPointer.escape(item.name), "is neither true nor false"))
      }
      message.emit(device, rule.entry, flag ? "true" : "false", moment, labels: labels)
    case .event: break
    }
  }

  /// Flags are states, numbers gauges, and so is a text that is called a state or a status; what names something, and
  /// other texts, are attributes of an event where nothing else is there.
  private func takeUnknown(_ items: [(name: String, value: VendorValue)], _ message: Message) {
    let metric = other.prefix + "." + topic.split(separator: "/").joined(separator: ".")
    var taken = false
    for item in items where !DeviceEvent.isIdentity(item.name) {
      switch item.value {
      case .flag(let flag):
        message.emit(
          device, other.state, flag ? "true" : "false", moment, labels: labels, name: "\(metric).\(item.name)")
      case .number(let number):
        message.emit(device, other.number, number, moment, labels: labels, name: "\(metric).\(item.name)")
      case .text(let text) where DeviceEvent.isState(item.name):
        message.emit(device, other.state, text, moment, labels: labels, name: "\(metric).\(item.name)")
      case .text, .nothing, .fault: continue
      }
      taken = true
    }
    if !taken {
      message.emit(
        device, other.event, event: 1, moment, labels: labels, attributes: attributes(items), name: metric)
    }
  }

  private func attributes(_ items: [(name: String, value: VendorValue)]) -> [Series.Label] {
    items.compactMap { item in
      // Whose car it was is nobody's business here.
      item.name.lowercased().contains("plate") ? nil : item.value.label.map { Series.Label(item.name, $0) }
    }
  }

  private static func isIdentity(_ name: String) -> Bool {
    let lower = name.lowercased()
    return lower.hasSuffix("id") || lower.hasSuffix("token") || lower.hasSuffix("time")
  }

  /// What numbers the objects in view: each has a new one, so that a series for each would never end.
  static func isPassing(_ name: String) -> Bool { name.lowercased() == "objectid" }

  private static func isState(_ name: String) -> Bool {
    let lower = name.lowercased()
    return lower.hasSuffix("state") || lower.hasSuffix("status")
  }

  /// A topic's level without its namespace: `tns1:Trigger` is `Trigger`.
  static func withoutNamespace(_ level: some StringProtocol) -> String {
    level.firstIndex(of: ":").map { String(level[level.index(after: $0)...]) } ?? String(level)
  }
}
