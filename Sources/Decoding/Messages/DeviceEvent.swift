import Telemetry

/// Turns one event of ONVIF's tree into readings.
struct DeviceEvent {
  /// Without namespaces and sources: `VideoSource/MotionAlarm`.
  let topic: String
  let labels: [Series.Label]
  let device: Device
  let moment: Moment
  /// `DeviceEventRule.find(topic)`: who reads a topic again and again looks them up once.
  let rules: [DeviceEventRule]
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
