import Telemetry

/// What `format = "sparkplug"` emits. Devices are `{group}/{node}` and `{group}/{node}/{device}`, class other.
enum SparkplugMetrics {
  static let number = CatalogueEntry(
    "{name}", "1", .gauge, "a metric with a number, named with dots for slashes; in the unit of its engUnit")
  static let word = CatalogueEntry("{name}", "1", .state, "a metric with a text, or true or false")

  static let all: [CatalogueEntry] = [SharedMetrics.availability, number, word]
}

/// `format = "sparkplug"`: Sparkplug B. Births and deaths are `availability`.
///
/// Aliases are known from the birth, which must come first; a metric whose alias is not known, and a gap in `seq`, are
/// faults: the node should be asked for a rebirth (`Decoder.takeRebirthRequests`).
final class SparkplugFormat: SourceFormat {
  let naming: Naming
  let limits: DecodingLimits
  init(_ setup: SourceSetup) {
    naming = setup.naming(BuiltInFormat.sparkplug.defaultClass)
    limits = setup.limits
  }

  func reader(for topic: RoutedTopic, _ message: Message) -> any TopicReader {
    // Version 2 of the specification had a host's state outside the namespace.
    if topic.levels.count == 2, topic.levels[0] == "STATE" {
      return hostState(topic, topic.levels[1])
    }
    guard let marker = topic.levels.firstIndex(of: "spBv1.0") else {
      return SilentReader(refusing: "the topic has no level spBv1.0")
    }
    let parts = Array(topic.levels[(marker + 1)...])
    if parts.count == 2, parts[0] == "STATE" { return hostState(topic, parts[1]) }
    guard parts.count == 3 || parts.count == 4, let kind = SparkplugReader.Kind(rawValue: parts[1]) else {
      return SilentReader(refusing: "the topic is not spBv1.0/<group>/<type>/<node>[/<device>]")
    }
    guard kind != .nodeCommand, kind != .deviceCommand else { return SilentReader(ignoring: "a command") }
    guard kind.isDevices == (parts.count == 4) else {
      return SilentReader(refusing: "the topic's type doesn't go with its number of levels")
    }
    var extra = ["group": parts[0], "node": parts[2]]
    if parts.count == 4 { extra["device"] = parts[3] }
    let name = ([parts[0]] + parts[2...]).joined(separator: "/")
    guard let device = naming.device(topic.captures, default: name, extra: extra) else {
      return SilentReader.deviceLimit
    }
    guard let node = message.memory.node("\(parts[0])/\(parts[2])") else {
      return SilentReader(refusing: "more than \(DecoderMemory.nodeLimit) edge nodes")
    }
    let captures = topic.captures
    return SparkplugReader(node, kind, device, child: parts.count == 4 ? parts[3] : nil) { [naming] child in
      naming.device(
        captures, default: "\(parts[0])/\(parts[2])/\(child)",
        extra: ["group": parts[0], "node": parts[2], "device": child])
    }
  }

  private func hostState(_ topic: RoutedTopic, _ host: String) -> any TopicReader {
    guard let device = naming.device(topic.captures, default: host, extra: ["node": host]) else {
      return SilentReader.deviceLimit
    }
    return SparkplugStateReader(device)
  }
}

final class SparkplugReader: TopicReader {
  enum Kind: String {
    case nodeBirth = "NBIRTH"
    case nodeDeath = "NDEATH"
    case nodeData = "NDATA"
    case nodeCommand = "NCMD"
    case deviceBirth = "DBIRTH"
    case deviceDeath = "DDEATH"
    case deviceData = "DDATA"
    case deviceCommand = "DCMD"

    var isDevices: Bool { rawValue.hasPrefix("D") }
    var isBirth: Bool { self == .nodeBirth || self == .deviceBirth }
  }

  private let node: SparkplugNode
  private let kind: Kind
  private let itsDevice: Device
  /// The device's name in the topic; empty for the node itself.
  private let key: String
  /// The device of a name behind the node that no message of this process has named yet.
  private let find: (String) -> Device?
  /// Whether the present message has an alias that no birth named.
  private var lacksAlias = false

  init(
    _ node: SparkplugNode, _ kind: Kind, _ device: Device, child: String?, find: @escaping (String) -> Device?
  ) {
    self.node = node
    self.kind = kind
    itsDevice = device
    key = child ?? ""
    self.find = find
    if let child { node.add(child, device) }
  }

  // A node's death is that of all behind it.
  var device: Device? { kind == .nodeDeath ? nil : itsDevice }
  var payloadDecidesDevice: Bool { kind == .nodeDeath }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    if payload.isEmpty { return .ignored("an empty payload: the topic was cleared") }
    if payload.first == UInt8(ascii: "{") {
      return .refused(DecodingFault(byte: 0, "JSON, where Sparkplug B has protobuf"))
    }
    if let content = BinaryContent.image(payload) { return .refused(DecodingFault(byte: 0, content)) }
    let content: SparkplugPayload
    do throws(DecodingFault) {
      content = try SparkplugPayload(payload, limit: message.limits.fields)
    } catch { return .refused(error) }
    let memory = message.memory
    lacksAlias = false
    if kind == .nodeDeath { return nodeDeath(content.bdSeq, message) }
    if kind.isBirth, node.add(key, SparkplugNode.read(content, message.limits), at: memory.sequence) {
      remember(Array(payload), memory)
    }
    let birth = node.birth(key, at: memory.sequence)
    let expected = node.gap(content.seq, isBirth: kind == .nodeBirth, at: memory.sequence)
    let own = content.timestamp.flatMap(SparkplugReader.time)
    if kind == .deviceDeath {
      if node.add(key, nil, at: memory.sequence) { remember([], memory) }
      message.emit(itsDevice, SharedMetrics.availability, "offline", message.moment(own))
    } else {
      if kind.isBirth {
        message.emit(itsDevice, SharedMetrics.availability, "online", message.moment(own))
        message.trace?.took(nil)
      }
      for metric in content.metrics { take(metric, "", birth, own, message) }
    }
    let isUnborn = node.birth("", at: memory.sequence) == nil
    if kind == .nodeBirth {
      memory.rebirths.born(node.name)
    } else if expected != nil || isUnborn || lacksAlias {
      memory.rebirths.want(node.name, at: message.reception.receivedAt)
    }
    // Said last, so that a payload without any usable value is refused for its own fault.
    if let expected {
      let text = "\(content.seq ?? 0) where \(expected) was expected: messages are missing, ask for a rebirth"
      message.fault(DecodingFault(path: "seq", text))
    }
    return message.outcome(nothing: "no values in the payload")
  }

  private func remember(_ payload: [UInt8], _ memory: DecoderMemory) {
    memory.remember(
      Remembered(
        scope: node.scope, key: key, sequence: memory.sequence, startsScope: key.isEmpty, replacesKey: true,
        content: payload))
  }

  private static func time(_ milliseconds: UInt64) -> Timestamp? {
    Int64(exactly: milliseconds).flatMap { EpochTime.time($0, .milliseconds) }
  }

  /// The will was written at the birth, so its time is the birth's; it counts only for the session that it belongs to.
  private func nodeDeath(_ bdSeq: UInt64?, _ message: Message) -> Decoder.Outcome {
    let memory = message.memory
    if let born = node.birth("", at: memory.sequence - 1)?.bdSeq, let bdSeq, born != bdSeq {
      return .ignored("the death of an earlier session")
    }
    let devices = node.living(before: memory.sequence, find)
    if node.add("", nil, at: memory.sequence) { remember([], memory) }
    node.lostCount(at: memory.sequence)
    message.emit(itsDevice, SharedMetrics.availability, "offline", message.received)
    for device in devices { message.emit(device, SharedMetrics.availability, "offline", message.received) }
    return message.outcome(nothing: "")
  }

  /// - Parameter prefix: of the templates that the metric is a member of, each with a slash behind it.
  private func take(
    _ metric: SparkplugPayload.Metric, _ prefix: String, _ birth: SparkplugNode.Birth?, _ payloadTime: Timestamp?,
    _ message: Message, depth: Int = 0
  ) {
    let name: String
    let known: SparkplugNode.Birth.Known?
    if let bytes = metric.name, !bytes.isEmpty {
      guard let text = message.shortText(bytes, path: "metrics") else { return }
      name = prefix + text
      known = birth?.byName[name]
    } else if let alias = metric.alias {
      known = birth?.byAlias[alias]
      guard let known else {
        lacksAlias = true
        return message.fault(
          DecodingFault(byte: metric.offset, "the alias \(alias) is not known: no birth was seen, ask for a rebirth"))
      }
      name = known.name
    } else {
      return message.fault(DecodingFault(byte: metric.offset, "a metric with neither name nor alias"))
    }
    let path = "/metrics/\(name)"
    if name == "bdSeq" { return message.trace?.used(path, "the session's number") ?? () }
    if metric.isNull { return message.trace?.left(path, "null is no value") ?? () }
    if name.hasPrefix("Node Control/") || name.hasPrefix("Device Control/") {
      return message.trace?.left(path, "a switch for commands") ?? ()
    }
    if let reason = metric.properties.reasonAgainst { return message.trace?.left(path, reason) ?? () }
    if case .template(let bytes, let origin) = metric.value {
      return take(template: bytes, origin, name, birth, payloadTime, message, depth: depth)
    }
    let own = metric.timestamp.flatMap(SparkplugReader.time)
    if metric.isHistorical, own == nil {
      // At the payload's time it would pass for the latest.
      return message.fault(DecodingFault(path: name, "a historical value without a time"))
    }
    let before = message.count
    let unit = SparkplugType.unit(metric.properties.unit) ?? known?.unit
    emit(metric, name, metric.datatype ?? known?.datatype, unit, message.moment(own ?? payloadTime), message)
    guard let trace = message.trace else { return }
    if message.count > before { trace.took(path) } else { trace.left(path, "no value that is a reading") }
  }

  /// An instance's members are metrics of the device; a definition, which births bear, says nothing of it.
  private func take(
    template bytes: UnsafeRawBufferPointer, _ origin: Int, _ name: String, _ birth: SparkplugNode.Birth?,
    _ payloadTime: Timestamp?, _ message: Message, depth: Int
  ) {
    guard depth < SparkplugPayload.templateDepth else {
      return message.fault(
        DecodingFault(path: name, "more than \(SparkplugPayload.templateDepth) templates inside one another"))
    }
    do throws(DecodingFault) {
      let members = try SparkplugPayload.members(ofTemplate: bytes, origin: origin, limit: message.limits.fields)
      guard let members else { return message.trace?.left("/metrics/\(name)", "a template's definition") ?? () }
      for member in members { take(member, name + "/", birth, payloadTime, message, depth: depth + 1) }
    } catch { message.fault(error) }
  }

  private func emit(
    _ metric: SparkplugPayload.Metric, _ name: String, _ datatype: UInt64?, _ unit: String?, _ moment: Moment,
    _ message: Message
  ) {
    let dotted = name.split(separator: "/").joined(separator: ".")
    func number(_ value: Double) {
      message.emit(itsDevice, SparkplugMetrics.number, value, moment, name: dotted, unit: unit)
    }
    func word(_ value: String) { message.emit(itsDevice, SparkplugMetrics.word, value, moment, name: dotted) }
    switch metric.value {
    case .none, .template: break
    case .other: message.fault(DecodingFault(path: name, "a data set, array or bytes: no single value"))
    case .int(let value):
      if datatype == 11 {
        word(value == 0 ? "false" : "true")
      } else {
        number(SparkplugType.number(UInt64(value), datatype))
      }
    case .long(let value): number(SparkplugType.number(value, datatype))
    case .float(let value): number(SparkplugReader.shortest(value))
    case .double(let value): number(value)
    case .bool(let value): word(value ? "true" : "false")
    case .text(let bytes):
      if UTF8Check.firstInvalid(bytes) != nil {
        message.fault(DecodingFault(path: name, "invalid UTF-8"))
      } else if let text = message.shortText(bytes, path: name) {
        word(text)
      }
    }
  }

  /// -23.45 as a float is -23.4500007 as a double: the device meant the shorter.
  private static func shortest(_ value: Float) -> Double {
    value.isFinite ? Double(value.description) ?? Double(value) : Double(value)
  }
}

/// `spBv1.0/STATE/<host>`: whether a host application is there; JSON, or the word of version 2.
final class SparkplugStateReader: TopicReader {
  private let itsDevice: Device

  init(_ device: Device) { itsDevice = device }

  var device: Device? { itsDevice }
  var payloadDecidesDevice: Bool { false }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    let trimmed = payload.trimmed
    if trimmed.equals("ONLINE") || trimmed.equals("OFFLINE") {
      let state = trimmed.equals("ONLINE") ? "online" : "offline"
      message.emit(itsDevice, SharedMetrics.availability, state, message.received)
      return message.outcome(nothing: "")
    }
    let root: JSONValue
    do throws(DecodingFault) { root = try message.json.parse(payload) } catch { return .refused(error) }
    guard let online = root.member("online")?.bool else {
      return .refused(DecodingFault(path: "/online", "there is neither true nor false"))
    }
    // A will's time is that of the connection.
    let time = online ? root.member("timestamp")?.integer.flatMap { EpochTime.time($0, .milliseconds) } : nil
    message.emit(itsDevice, SharedMetrics.availability, online ? "online" : "offline", message.moment(time))
    return message.outcome(nothing: "")
  }
}
