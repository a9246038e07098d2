import Telemetry

/// What `format = "axis"` emits.
enum AxisMetrics {
  static let other = DeviceEvent.Other("axis")

  static let all =
    [SharedMetrics.availability] + DeviceEventRule.entries + [DeviceEventRule.objectDetected, SharedMetrics.objects]
    + other.entries
}

/// `axis/<serial>/event/…`; the part before the serial may be another, or none.
struct AxisTopic {
  let serial: String
  /// The event's own topic, without namespaces and sources.
  let event: [String]

  /// The serial number is the MAC address without separators.
  static func isSerial(_ level: String) -> Bool { level.utf8.count == 12 && level.allSatisfy(\.isHexDigit) }

  init?(_ topic: RoutedTopic) {
    guard let marker = topic.levels.firstIndex(of: "event"), marker > 0 else { return nil }
    serial = topic.levels[marker - 1]
    event = topic.levels[(marker + 1)...].prefix { $0 != "$source" }.map { DeviceEvent.withoutNamespace($0) }
      // `tns:onvif/Device/tns:axis/IO`: the namespaces are levels there.
      .filter { $0 != "onvif" && $0 != "axis" }
  }
}

/// `format = "axis"`: the event bridge of Axis cameras. `{"topic", "timestamp" in ms, "message": {"source", "key",
/// "data"}}`, all values texts.
final class AxisFormat: JSONSourceFormat {
  let time: TimeReader?
  private let naming: Naming

  init(_ setup: SourceSetup) throws(DecoderSetupFault) {
    naming = setup.naming(BuiltInFormat.axis.defaultClass)
    time = try setup.timeReader()
  }

  func reader(for topic: RoutedTopic, _ message: Message) -> any TopicReader {
    // The last will and its greeting stand under event/connection, or where someone has put them.
    let parts = AxisTopic(topic)
    if parts == nil || topic.levels.last == "connection" {
      let name =
        parts?.serial ?? topic.levels.first(where: AxisTopic.isSerial) ?? topic.levels.dropLast().last ?? topic.text
      guard let device = naming.device(topic.captures, default: name, extra: ["serial": name]) else {
        return SilentReader.deviceLimit
      }
      let connection = ConnectionReader(device, otherwise: "the topic is not …/<serial>/event/…")
      if parts != nil { return connection }
      return AxisSceneReader(device, event: AxisReader(self, device, event: []), otherwise: connection)
    }
    let serial = parts?.serial ?? topic.text
    guard let device = naming.device(topic.captures, default: serial, extra: ["serial": serial]) else {
      return SilentReader.deviceLimit
    }
    return AxisReader(self, device, event: parts?.event ?? [])
  }
}

final class AxisReader: TopicReader {
  private let format: AxisFormat
  private let itsDevice: Device
  /// As the MQTT topic has it.
  private let event: [String]

  init(_ format: AxisFormat, _ device: Device, event: [String]) {
    self.format = format
    itsDevice = device
    self.event = event
  }

  var device: Device? { itsDevice }
  var payloadDecidesDevice: Bool { false }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    let root: JSONValue
    do throws(DecodingFault) { root = try message.json.parse(payload) } catch { return .refused(error) }
    guard let body = root.member("message"), body.kind == .object else {
      return .refused(DecodingFault(path: "/message", "there is no such object"))
    }
    guard let data = body.member("data"), data.kind == .object else {
      return .refused(DecodingFault(path: "/message/data", "there is no such object"))
    }
    var levels = event
    if let topicText = root.member("topic"), topicText.kind == .string, !topicText.text.isEmpty,
      let topic = message.shortText(topicText.text, path: "/topic")
    {
      levels = topic.split(separator: "/").map { DeviceEvent.withoutNamespace($0) }
    }
    guard !levels.isEmpty else { return .refused(DecodingFault(path: "/topic", "there is no topic's name")) }
    var labels: [Series.Label] = []
    for (path, part) in [("/message/source", body.member("source")), ("/message/key", body.member("key"))] {
      guard let part else { continue }
      for (key, value) in part.members {
        guard let text = VendorValue(value, limits: message.limits).label,
          let name = message.shortText(key, path: path), !DeviceEvent.isPassing(name),
          !labels.contains(where: { $0.name == name })
        else { continue }
        labels.append(Series.Label(name, text))
      }
    }
    let moment = moment(root, message)
    if let scenario = AxisReader.scenario(levels), data.member("active") != nil {
      take(scenario: scenario, data, labels, moment, message)
    } else if let scenario = AxisReader.scenario(levels), data.member("total") != nil {
      take(counting: scenario.name, data, labels, JSONScope(message: message, moment: moment))
    } else {
      let topic = levels.joined(separator: "/")
      DeviceEvent(
        topic: topic, labels: labels, device: itsDevice, moment: moment, rules: DeviceEventRule.find(topic),
        other: AxisMetrics.other
      ).take(data, path: "/message/data", message)
    }
    return message.outcome(nothing: "the event has no data")
  }

  /// `CameraApplicationPlatform/ObjectAnalytics/Device1Scenario1`, and the same of Axis' other applications.
  private static func scenario(_ levels: [String]) -> (application: String, name: String)? {
    levels.count == 3 && levels[0] == "CameraApplicationPlatform" ? (levels[1], levels[2]) : nil
  }

  private func take(
    scenario: (application: String, name: String), _ data: JSONValue, _ labels: [Series.Label], _ moment: Moment,
    _ message: Message
  ) {
    let active = data.member("active").map { VendorValue($0, limits: message.limits) }
    guard let flag = active?.boolean else {
      return message.fault(DecodingFault(path: "/message/data/active", "is neither true nor false"))
    }
    let isMotion = scenario.application == "VMD" || scenario.application == "MotionGuard"
    message.emit(
      itsDevice, isMotion ? SharedMetrics.motion : DeviceEventRule.objectDetected, flag ? "true" : "false", moment,
      labels: labels + [Series.Label("scenario", scenario.name)])
  }

  /// Crossline counting adds up until it is reset, occupancy says how many there are: `total`, and one for each class,
  /// `totalHuman`.
  private func take(counting scenario: String, _ data: JSONValue, _ labels: [Series.Label], _ scope: JSONScope) {
    var counts: [(field: String, value: JSONValue)] = []
    var addsUp = false
    for (key, value) in data.members {
      guard let field = scope.message.shortText(key, path: "/message/data") else { continue }
      if field.hasPrefix("total") { counts.append((field, value)) }
      if field.lowercased().hasPrefix("reset") { addsUp = true }
    }
    for (field, value) in counts {
      let object = field.dropFirst("total".count).lowercased()
      let all = labels + [Series.Label("scenario", scenario)] + (object.isEmpty ? [] : [Series.Label("object", object)])
      scope.number(
        value, itsDevice, addsUp ? SharedMetrics.counted : SharedMetrics.objects,
        "/message/data/" + JSONPointer.escape(field), labels: all)
    }
  }

  /// Milliseconds; what would be before 2020 as such, and is not as seconds, was meant as seconds.
  private func moment(_ root: JSONValue, _ message: Message) -> Moment {
    if let time = format.time { return message.moment(time.time(in: root, message)) }
    guard let stamp = root.member("timestamp"), stamp.kind != .null else { return message.received }
    let count = stamp.integer ?? IntegerText.parse(stamp.text.trimmed)
    guard let count else {
      if stamp.kind == .string, let time = ISOTime.parse(stamp.text.trimmed, zone: nil) { return message.moment(time) }
      message.fault(DecodingFault(path: "/timestamp", "no number of milliseconds", showing: stamp.text))
      return message.received
    }
    return message.moment(EpochTime.guessed(count))
  }
}
