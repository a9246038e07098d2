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
