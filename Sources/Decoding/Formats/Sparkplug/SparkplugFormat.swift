import Telemetry

/// What `format = "sparkplug"` emits. Devices are `{group}/{node}` and `{group}/{node}/{device}`, class other.
enum SparkplugMetrics {
  static let number = CatalogueEntry("{name}", "1", .gauge, "a metric with a number, named with dots for slashes")
  static let word = CatalogueEntry("{name}", "1", .state, "a metric with a text, or true or false")

  static let all: [CatalogueEntry] = [SharedMetrics.availability, number, word]
}

/// `format = "sparkplug"`: Sparkplug B. Births and deaths are `availability`.
///
/// Aliases are known from the birth, which must come first; a metric whose alias is not known, and a gap in `seq`, are
/// faults: the node should be asked for a rebirth.
final class SparkplugFormat: SourceFormat {
  let naming: Naming
  let limits: DecodingLimits
  private var nodes: [String: SparkplugNode] = [:]

  /// Edge nodes remembered; more are refused.
  private static let nodeLimit = 10_000

  init(_ setup: SourceSetup) {
    naming = setup.naming(BuiltInFormat.sparkplug.defaultClass)
    limits = setup.limits
  }

  func reader(for topic: RoutedTopic, _ message: Message) -> any TopicReader {
    guard let marker = topic.levels.firstIndex(of: "spBv1.0") else {
      return SilentReader(refusing: "the topic has no level spBv1.0")
    }
    let parts = Array(topic.levels[(marker + 1)...])
    if parts.count == 2, parts[0] == "STATE" {
      guard let device = naming.device(topic.captures, default: parts[1], extra: ["node": parts[1]]) else {
        return SilentReader.deviceLimit
      }
      return SparkplugStateReader(device)
    }
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
    guard let node = node("\(parts[0])/\(parts[2])") else {
      return SilentReader(refusing: "more than \(SparkplugFormat.nodeLimit) edge nodes")
    }
    return SparkplugReader(node, kind, device, child: parts.count == 4 ? parts[3] : nil)
  }

  private func node(_ name: String) -> SparkplugNode? {
    if let known = nodes[name] { return known }
    guard nodes.count < SparkplugFormat.nodeLimit else { return nil }
    let node = SparkplugNode()
    nodes[name] = node
    return node
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
  /// The device's name in the topic, where it is not the node's own.
  private let child: String?

  init(_ node: SparkplugNode, _ kind: Kind, _ device: Device, child: String?) {
    self.node = node
    self.kind = kind
    itsDevice = device
    self.child = child
  }

  // A node's death is that of all behind it.
  var device: Device? { kind == .nodeDeath ? nil : itsDevice }
  var payloadDecidesDevice: Bool { kind == .nodeDeath }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    if payload.first == UInt8(ascii: "{") {
      return .refused(DecodingFault(byte: 0, "JSON, where Sparkplug B has protobuf"))
    }
    let content: SparkplugPayload
    do throws(DecodingFault) {
      content = try SparkplugPayload(payload, limit: message.limits.fields)
    } catch { return .refused(error) }
    let bdSeq = content.metrics.first { $0.name?.equals("bdSeq") ?? false }.flatMap(SparkplugReader.whole)
    if kind == .nodeDeath { return nodeDeath(bdSeq, message) }
    if kind == .nodeBirth { node.born(bdSeq: bdSeq, seq: content.seq) }
    let expected = kind == .nodeBirth ? nil : node.gap(content.seq)
    let own = content.timestamp.flatMap(SparkplugReader.time)
    if kind == .deviceDeath {
      if let child { node.devices[child] = nil }
      message.emit(itsDevice, SharedMetrics.availability, "offline", message.moment(own))
    } else {
      if kind.isBirth {
        if let child { node.devices[child] = itsDevice }
        message.emit(itsDevice, SharedMetrics.availability, "online", message.moment(own))
      }
      for metric in content.metrics { take(metric, own, message) }
    }
    // Said last, so that a payload without any usable value is refused for its own fault.
    if let expected {
      let text = "\(content.seq ?? 0) where \(expected) was expected: messages are missing, ask for a rebirth"
      message.fault(DecodingFault(path: "seq", text))
    }
    return message.outcome(nothing: "no values in the payload")
  }

  private static func whole(_ metric: SparkplugPayload.Metric) -> UInt64? {
    switch metric.value {
    case .int(let value): UInt64(value)
    case .long(let value): value
    default: nil
    }
  }

  private static func time(_ milliseconds: UInt64) -> Timestamp? {
    Int64(exactly: milliseconds).flatMap { EpochTime.time($0, .milliseconds) }
  }

  /// The will was written at the birth, so its time is the birth's; it counts only for the session that it belongs to.
  private func nodeDeath(_ bdSeq: UInt64?, _ message: Message) -> Decoder.Outcome {
    if node.isBorn, let born = node.bdSeq, let bdSeq, born != bdSeq {
      return .ignored("the death of an earlier session")
    }
    node.died()
    message.emit(itsDevice, SharedMetrics.availability, "offline", message.received)
    for name in node.devices.keys.sorted() {
      if let device = node.devices[name] {
        message.emit(device, SharedMetrics.availability, "offline", message.received)
      }
    }
    node.devices = [:]
    return message.outcome(nothing: "")
  }

  private func take(_ metric: SparkplugPayload.Metric, _ payloadTime: Timestamp?, _ message: Message) {
    let name: String
    let datatype: UInt64?
    if let bytes = metric.name, !bytes.isEmpty {
      guard let text = message.shortText(bytes, path: "metrics") else { return }
      name = text
      datatype = metric.datatype ?? node.datatype(of: text)
      if kind.isBirth,
        !node.learn(text, alias: metric.alias, datatype: metric.datatype, limit: message.limits.fields)
      {
        return message.fault(DecodingFault(path: text, "more than \(message.limits.fields) metrics of one node"))
      }
    } else if let alias = metric.alias {
      guard let known = node.known(alias: alias) else {
        return message.fault(
          DecodingFault(byte: metric.offset, "the alias \(alias) is not known: no birth was seen, ask for a rebirth"))
      }
      name = known.name
      datatype = metric.datatype ?? known.datatype
    } else {
      return message.fault(DecodingFault(byte: metric.offset, "a metric with neither name nor alias"))
    }
    guard !metric.isNull, name != "bdSeq", !name.hasPrefix("Node Control/"), !name.hasPrefix("Device Control/") else {
      return
    }
    emit(metric, name, datatype, message.moment(metric.timestamp.flatMap(SparkplugReader.time) ?? payloadTime), message)
  }

  private func emit(
    _ metric: SparkplugPayload.Metric, _ name: String, _ datatype: UInt64?, _ moment: Moment, _ message: Message
  ) {
    let dotted = name.split(separator: "/").joined(separator: ".")
    func number(_ value: Double) {
      message.emit(itsDevice, SparkplugMetrics.number, value, moment, name: dotted)
    }
    func word(_ value: String) { message.emit(itsDevice, SparkplugMetrics.word, value, moment, name: dotted) }
    switch metric.value {
    case .none, .other: break
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
