import Telemetry

/// `format = "onvif"`: ONVIF Profile M over MQTT, `onvif-ej` (events as JSON) and `onvif-mj` (`SensorData`).
enum ONVIFMetrics {
  static let other = DeviceEvent.Other("onvif")
  static let sensor = CatalogueEntry(
    "onvif.sensor.{name}", "1", .gauge, "a sensor's value that is neither temperature nor humidity; label sensor")

  static let all =
    [SharedMetrics.availability] + DeviceEventRule.entries + [SharedMetrics.humidity, sensor, SharedMetrics.objects]
    + other.entries
}

/// A topic of the event broker: `Prefix/onvif-ej/LocalTopic[/&src1/src2]`. The prefix may have several levels.
struct ONVIFTopic {
  let prefix: String
  let isEvent: Bool
  /// Without namespaces and sources: `VideoSource/MotionAlarm`.
  let local: String
  /// Its last level.
  let name: String
  /// What follows the `&`: the sources' values; empty where nothing does.
  let sources: String

  /// `nil` where there is neither `onvif-ej` nor `onvif-mj` in the topic.
  init?(_ topic: RoutedTopic) {
    guard let marker = topic.levels.firstIndex(where: { $0 == "onvif-ej" || $0 == "onvif-mj" }) else { return nil }
    prefix = topic.levels[..<marker].joined(separator: "/")
    isEvent = topic.levels[marker] == "onvif-ej"
    let rest = topic.levels[(marker + 1)...]
    let end = rest.firstIndex { $0.hasPrefix("&") } ?? rest.endIndex
    local = rest[..<end].map { DeviceEvent.withoutNamespace($0) }.joined(separator: "/")
    name = local.split(separator: "/").last.map(String.init) ?? "value"
    sources = end < rest.endIndex ? String(rest[end...].joined(separator: "/").dropFirst()) : ""
  }
}

final class ONVIFFormat: JSONSourceFormat {
  let time: TimeReader?
  private let naming: Naming

  init(_ setup: SourceSetup) throws(DecoderSetupFault) {
    naming = setup.naming(BuiltInFormat.onvif.defaultClass)
    time = try setup.timeReader()
  }

  func reader(for topic: RoutedTopic, _ message: Message) -> any TopicReader {
    guard let parts = ONVIFTopic(topic) else {
      // The device's last will and its greeting; their topic is configured there.
      let levels = topic.levels.count > 1 ? topic.levels.dropLast() : topic.levels[...]
      let prefix = levels.joined(separator: "/")
      guard let device = naming.device(topic.captures, default: prefix, extra: ["prefix": prefix]) else {
        return SilentReader.deviceLimit
      }
      return ConnectionReader(device, otherwise: "the topic has neither onvif-ej nor onvif-mj in it")
    }
    let name = parts.prefix.isEmpty ? "onvif" : parts.prefix
    guard let device = naming.device(topic.captures, default: name, extra: ["prefix": parts.prefix]) else {
      return SilentReader.deviceLimit
    }
    return ONVIFReader(self, device, parts)
  }
}

final class ONVIFReader: TopicReader {
  private let format: ONVIFFormat
  private let itsDevice: Device
  private let topic: ONVIFTopic
  private let rules: [DeviceEventRule]

  init(_ format: ONVIFFormat, _ device: Device, _ topic: ONVIFTopic) {
    self.format = format
    itsDevice = device
    self.topic = topic
    rules = topic.isEvent ? DeviceEventRule.find(topic.local) : []
  }

  var device: Device? { itsDevice }
  var payloadDecidesDevice: Bool { false }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    if payload.isEmpty { return .ignored("an empty payload: the property was deleted") }
    let root: JSONValue
    do throws(DecodingFault) { root = try message.json.parse(payload) } catch { return .refused(error) }
    guard root.kind == .object else {
      return .refused(DecodingFault(path: "", "\(root.kindName), where an object was expected"))
    }
    return topic.isEvent ? event(root, message) : metadata(root, message)
  }

  private func event(_ root: JSONValue, _ message: Message) -> Decoder.Outcome {
    // An event without items has no Data: that it came is all that it says.
    let data = root.member("Data")
    guard data?.kind == .object || data == nil && root.member("UtcTime") != nil else {
      return .refused(DecodingFault(path: "/Data", "there is no such object"))
    }
    var labels: [Series.Label] = []
    for (path, part) in [("/Source", root.member("Source")), ("/Key", root.member("Key"))] {
      guard let part else { continue }
      for (key, value) in part.members {
        guard let text = VendorValue(value, limits: message.limits).label,
          let name = message.shortText(key, path: path), !DeviceEvent.isPassing(name)
        else { continue }
        // An object has each name once; so has a series.
        if !labels.contains(where: { $0.name == name }) { labels.append(Series.Label(name, text)) }
      }
    }
    if labels.isEmpty, !topic.sources.isEmpty { labels = [Series.Label("source", topic.sources)] }
    let moment = moment(root, root.member("UtcTime"), "/UtcTime", message)
    DeviceEvent(
      topic: topic.local, labels: labels, device: itsDevice, moment: moment, rules: rules, other: ONVIFMetrics.other
    ).take(data, path: "/Data", message)
    return message.outcome(nothing: "the event has no data")
  }

  private func metadata(_ root: JSONValue, _ message: Message) -> Decoder.Outcome {
    if let frames = root.member("Frame") {
      frame(root, frames, message)
      return message.outcome(nothing: "a frame without objects that are classified")
    }
    guard let data = root.member("SensorData") else {
      return .ignored("metadata of another kind than sensors' and frames'")
    }
    let isArray = data.kind == .array
    guard isArray || data.kind == .object else {
      return .refused(DecodingFault(path: "/SensorData", "\(data.kindName), where an object was expected"))
    }
    if isArray {
      for (position, item) in data.elements.enumerated() { sensor(root, item, "/SensorData/\(position)", message) }
    } else {
      sensor(root, data, "/SensorData", message)
    }
    return message.outcome(nothing: "no sensor's value in the payload")
  }

  /// Objects of a frame, counted by class; an array of frames, or one.
  private func frame(_ root: JSONValue, _ frames: JSONValue, _ message: Message) {
    let isArray = frames.kind == .array
    for (position, frame) in (isArray ? Array(frames.elements) : [frames]).enumerated() {
      let path = isArray ? "/Frame/\(position)" : "/Frame"
      guard frame.kind == .object else {
        message.fault(DecodingFault(path: path, "\(frame.kindName), where an object was expected"))
        continue
      }
      var labels: [Series.Label] = []
      if let source = frame.member("@Source"), let text = VendorValue(source, limits: message.limits).label {
        labels.append(Series.Label("source", text))
      }
      let moment = moment(root, frame.member("@UtcTime"), path + "/@UtcTime", message)
      var counts: [String: Double] = [:]
      let objects = frame.member("Object").map { $0.kind == .array ? Array($0.elements) : [$0] } ?? []
      for object in objects {
        guard let name = ONVIFReader.objectClass(object) else { continue }
        if let word = message.shortText(name, path: path + "/Object") { counts[word, default: 0] += 1 }
      }
      for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
        message.emit(
          itsDevice, SharedMetrics.objects, count, moment, labels: labels + [Series.Label("object", name)])
      }
    }
  }

  /// The most likely of an object's classes: `Appearance/Class/Type`, one or several, a text or `#text`.
  private static func objectClass(_ object: JSONValue) -> UnsafeRawBufferPointer? {
    guard let type = object.member("Appearance")?.member("Class")?.member("Type") else { return nil }
    var best: (text: UnsafeRawBufferPointer, likelihood: Double)?
    for one in type.kind == .array ? Array(type.elements) : [type] {
      let text = one.kind == .string ? one.text : one.member("#text")?.text ?? one.text
      let likelihood = one.member("@Likelihood").flatMap { $0.number ?? NumberText.double($0.text) } ?? 0
      guard !text.isEmpty, likelihood > best?.likelihood ?? -1 else { continue }
      best = (text, likelihood)
    }
    return best?.text
  }

  private func sensor(_ root: JSONValue, _ data: JSONValue, _ path: String, _ message: Message) {
    guard data.kind == .object else {
      return message.fault(DecodingFault(path: path, "\(data.kindName), where an object was expected"))
    }
    var labels: [Series.Label] = []
    if let id = data.member("@SensorID"), let text = VendorValue(id, limits: message.limits).label {
      labels.append(Series.Label("SensorID", text))
    }
    let moment = moment(root, data.member("@UtcTime"), path + "/@UtcTime", message)
    let scope = JSONScope(message: message, moment: moment)
    switch topic.name {
    case "Temperature":
      scope.number(data.member("Value"), itsDevice, SharedMetrics.temperature, path + "/Value", labels: labels)
    case "Humidity":
      scope.number(data.member("Value"), itsDevice, SharedMetrics.humidity, path + "/Value", labels: labels)
    default:
      scope.number(
        data.member("Value"), itsDevice, ONVIFMetrics.sensor, path + "/Value", labels: labels,
        name: "onvif.sensor.\(topic.name)")
    }
  }

  /// `UtcTime` is UTC with or without its Z.
  private func moment(_ root: JSONValue, _ utc: JSONValue?, _ path: String, _ message: Message) -> Moment {
    if let time = format.time { return message.moment(time.time(in: root, message)) }
    guard let utc, utc.kind == .string, !utc.text.isEmpty else { return message.received }
    guard let time = ISOTime.parse(utc.text.trimmed, zone: nil) else {
      message.fault(DecodingFault(path: path, "no date and time in ISO 8601", showing: utc.text))
      return message.received
    }
    return message.moment(time)
  }
}
