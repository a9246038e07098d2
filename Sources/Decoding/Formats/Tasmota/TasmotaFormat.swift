import Telemetry

/// `format = "tasmota"`: telemetry and last wills of Tasmota firmware.
///
/// `Epoch` goes before `Time`; a `Time` without an offset is local time in the source's zone.
final class TasmotaFormat: JSONSourceFormat {
  let time: TimeReader?
  let zone: LocalZone
  private let naming: Naming

  init(_ setup: SourceSetup) throws(DecoderSetupFault) {
    naming = setup.naming(BuiltInFormat.tasmota.defaultClass)
    zone = setup.zone
    time = try setup.timeReader()
  }

  func reader(for topic: RoutedTopic, _ message: Message) -> any TopicReader {
    let parts = TasmotaTopic(topic)
    if parts.prefix == "cmnd" { return SilentReader(ignoring: "a command") }
    guard let content = TasmotaReader.Content(kind: parts.kind) else {
      return SilentReader(ignoring: "a message without readings")
    }
    guard let device = naming.device(topic.captures, default: parts.device, extra: ["device": parts.device]) else {
      return SilentReader.deviceLimit
    }
    return TasmotaReader(self, device, content)
  }
}

final class TasmotaReader: TopicReader {
  enum Content: Equatable {
    case sensor, state, status, lastWill, result
    case power(String)
    case limit(String)

    /// `nil` for messages that bear no readings.
    init?(kind: String) {
      switch kind {
      case "SENSOR": self = .sensor
      case "STATE": self = .state
      case "STATUS0", "STATUS8", "STATUS10", "STATUS11": self = .status
      case "LWT": self = .lastWill
      case "RESULT": self = .result
      default:
        if kind.hasSuffix("_LOW") || kind.hasSuffix("_HIGH") || kind.hasPrefix("MAX_") {
          self = .limit(kind.lowercased())
        } else if TasmotaReader.isNumbered(kind, "POWER") {
          self = .power(kind)
        } else {
          return nil
        }
      }
    }
  }

  private let format: TasmotaFormat
  private let itsDevice: Device
  private let content: Content

  init(_ format: TasmotaFormat, _ device: Device, _ content: Content) {
    self.format = format
    itsDevice = device
    self.content = content
  }

  var device: Device? { itsDevice }
  var payloadDecidesDevice: Bool { false }

  /// `POWER`, `POWER1` …
  static func isNumbered(_ text: String, _ stem: String) -> Bool {
    text.hasPrefix(stem) && text.utf8.dropFirst(stem.utf8.count).allSatisfy(\.isDigit)
  }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    switch content {
    case .lastWill, .power, .limit: return word(payload, message)
    case .sensor, .state, .status, .result: break
    }
    let root: JSONValue
    do throws(DecodingFault) { root = try message.json.parse(payload) } catch { return .refused(error) }
    guard root.kind == .object else {
      return .refused(DecodingFault(path: "", "\(root.kindName), where an object was expected"))
    }
    // STATUS8 (10 in later versions) wraps a SENSOR message, STATUS11 a STATE, STATUS0 both.
    var isWrapped = false
    for (key, name) in [("StatusSNS", "/StatusSNS"), ("StatusSTS", "/StatusSTS")] as [(StaticString, String)] {
      guard let inner = root.member(key) else { continue }
      guard inner.kind == .object else {
        return .refused(DecodingFault(path: name, "\(inner.kindName), where an object was expected"))
      }
      isWrapped = true
      take(inner, outer: root, name, message)
    }
    if !isWrapped {
      if content == .status { return .ignored("a status without readings") }
      take(root, outer: root, "", message)
    }
    return message.outcome(nothing: "no readings in the payload")
  }

  private func take(_ root: JSONValue, outer: JSONValue, _ path: String, _ message: Message) {
    let scope = JSONScope(message: message, moment: moment(outer, root, path, message))
    let body = TasmotaBody(device: itsDevice, scope: scope)
    for (key, value) in root.members {
      guard let name = message.shortText(key, path: path) else { continue }
      if content == .result {
        if value.kind == .string, TasmotaReader.isNumbered(name, "POWER") { body.takeTop(name, value, path, root) }
      } else {
        body.takeTop(name, value, path, root)
      }
    }
  }

  private func moment(_ outer: JSONValue, _ root: JSONValue, _ path: String, _ message: Message) -> Moment {
    if let time = format.time { return message.moment(time.time(in: outer, message)) }
    if let epoch = root.member("Epoch")?.integer { return message.moment(EpochTime.time(epoch, .seconds)) }
    guard let text = root.member("Time"), text.kind == .string, !text.text.isEmpty else { return message.received }
    guard let time = ISOTime.parse(text.text.trimmed, zone: format.zone) else {
      message.fault(DecodingFault(path: path + "/Time", "no date and time in ISO 8601", showing: text.text))
      return message.received
    }
    return message.moment(time)
  }

  private func word(_ payload: UnsafeRawBufferPointer, _ message: Message) -> Decoder.Outcome {
    if payload.isEmpty { return .ignored("an empty payload: the topic was cleared") }
    let trimmed = payload.trimmed
    let word = String(utf8: UnsafeRawBufferPointer(rebasing: trimmed.prefix(16))).lowercased()
    switch content {
    case .lastWill where trimmed.count <= 16 && (word == "online" || word == "offline"):
      message.emit(itsDevice, SharedMetrics.availability, word, message.received)
    case .power(let channel) where word == "on" || word == "off":
      message.emit(
        itsDevice, TasmotaMetrics.power, word, message.received, labels: [Series.Label("channel", channel)])
    case .limit(let limit) where word == "on" || word == "off":
      message.emit(itsDevice, TasmotaMetrics.limit, word, message.received, labels: [Series.Label("limit", limit)])
    default:
      let expected = content == .lastWill ? "Online nor Offline" : "ON nor OFF"
      return .refused(DecodingFault(byte: 0, "is neither \(expected)"))
    }
    return message.outcome(nothing: "the payload says nothing")
  }
}
