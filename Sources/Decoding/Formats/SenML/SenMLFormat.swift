import Telemetry

/// What `format = "senml"` emits. The device is the base name, or the first parts of a `urn:dev:` name, else the topic;
/// the metric is the rest of the name, or where nothing is left, what the unit tells (`hw.temperature` for `Cel`), or
/// `value`.
enum SenMLMetrics {
  static let number = CatalogueEntry("{name}", "1", .gauge, "a record's v, in its own unit as UCUM")
  static let word = CatalogueEntry("{name}", "1", .state, "a record's vs, or its vb as true or false")
  static let sum = CatalogueEntry("{name}.sum", "1", .counter, "a record's s, in its own unit by seconds")

  static let all: [CatalogueEntry] = [number, word, sum]
}

/// `format = "senml"`: RFC 8428, JSON.
final class SenMLFormat: JSONSourceFormat {
  let naming: Naming

  init(_ setup: SourceSetup) { naming = setup.naming(BuiltInFormat.senml.defaultClass) }

  func reader(for topic: RoutedTopic, _ message: Message) -> any TopicReader { SenMLReader(self, topic) }
}

final class SenMLReader: TopicReader {
  private let format: SenMLFormat
  private let topic: RoutedTopic

  /// What holds for a record and those after it.
  private struct Base {
    var name = ""
    var time: Double?
    var unit: String?
    var value: Double?
    var sum: Double?
  }

  /// Times below are relative to now (RFC 8428, section 4.5.3).
  private static let absoluteFrom = Double(1 << 28)

  init(_ format: SenMLFormat, _ topic: RoutedTopic) {
    self.format = format
    self.topic = topic
  }

  var device: Device? { nil }
  var payloadDecidesDevice: Bool { true }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    if let first = payload.first, (0x80...0x9f).contains(first) {
      return .refused(DecodingFault(byte: 0, "SenML in CBOR; set the device to send JSON (application/senml+json)"))
    }
    if payload.trimmed.first == UInt8(ascii: "<") {
      return .refused(DecodingFault(byte: 0, "SenML in XML; set the device to send JSON (application/senml+json)"))
    }
    let root: JSONValue
    do throws(DecodingFault) { root = try message.json.parse(payload) } catch { return .refused(error) }
    guard root.kind == .array else {
      return .refused(DecodingFault(path: "", "\(root.kindName), where an array of records was expected"))
    }
    var base = Base()
    var count = 0
    for (position, record) in root.elements.enumerated() {
      let path = "/\(position)"
      count += 1
      guard count <= message.limits.fields else {
        return .refused(DecodingFault(payload: "more than \(message.limits.fields) records", limit: .fields))
      }
      guard record.kind == .object else {
        message.fault(DecodingFault(path: path, "\(record.kindName), where a record was expected"))
        continue
      }
      if let version = record.member("bver")?.number, version > 10 {
        return .refused(DecodingFault(path: path + "/bver", "a version that is not known"))
      }
      if let must = record.members.first(where: { $0.key.last == UInt8(ascii: "_") }) {
        message.fault(
          DecodingFault(path: path, "a field that must be understood and is not known", showing: must.key))
        continue
      }
      take(record, path, &base, message)
    }
    return message.outcome(nothing: "no values in the payload")
  }

  private func take(_ record: JSONValue, _ path: String, _ base: inout Base, _ message: Message) {
    func number(_ name: StaticString) -> Double? {
      guard let value = record.member(name) else { return nil }
      if value.number == nil { message.fault(DecodingFault(path: "\(path)/\(name)", "is no usable number")) }
      return value.number
    }
    func text(_ name: StaticString) -> String? {
      guard let value = record.member(name) else { return nil }
      guard value.kind == .string else {
        message.fault(DecodingFault(path: "\(path)/\(name)", "\(value.kindName), where a text was expected"))
        return nil
      }
      return message.shortText(value.text, path: "\(path)/\(name)")
    }
    if let name = text("bn") { base.name = name }
    if let time = number("bt") { base.time = time }
    if let unit = text("bu") { base.unit = unit }
    if let value = number("bv") { base.value = value }
    if let sum = number("bs") { base.sum = sum }
    // A name that can't be read is not an empty one.
    guard record.member("n") == nil || record.member("n")?.kind == .string else {
      return message.fault(DecodingFault(path: path + "/n", "no text"))
    }
    let own = text("n") ?? ""
    let (deviceName, metric) = split(base: base.name, own)
    guard let device = format.naming.device(topic.captures, default: deviceName) else {
      return message.fault(DecodingFault(path: path, "the limit of known devices is reached", limit: .devices))
    }
    let registered = text("u") ?? base.unit ?? "1"
    let unit = SenMLUnit.ucum(registered)
    let name = metric.isEmpty ? SenMLUnit.quantity(registered) ?? "value" : metric
    let moment = moment(number("t"), base.time, message)
    let isBare = SenMLReader.valueFields.allSatisfy { record.member($0) == nil }
    // A base value or sum is added to a record's own, zero where it has none; without a name it is no reading.
    if isBare, record.member("n") != nil {
      if let value = base.value {
        message.emit(device, SenMLMetrics.number, value, moment, name: name, unit: unit)
      }
      if let sum = base.sum { emit(sum: sum, device, name, unit, moment, message) }
    }
    if record.member("v") != nil, let own = number("v") {
      message.emit(device, SenMLMetrics.number, (base.value ?? 0) + own, moment, name: name, unit: unit)
    }
    if record.member("vs") != nil, let word = text("vs") {
      message.emit(device, SenMLMetrics.word, word, moment, name: name)
    }
    if let flag = record.member("vb") {
      if let value = flag.bool {
        message.emit(device, SenMLMetrics.word, value ? "true" : "false", moment, name: name)
      } else {
        message.fault(DecodingFault(path: path + "/vb", "\(flag.kindName), where true or false was expected"))
      }
    }
    if record.member("s") != nil, let sum = number("s") {
      emit(sum: (base.sum ?? 0) + sum, device, name, unit, moment, message)
    }
  }

  private static let valueFields: [StaticString] = ["v", "vs", "vb", "vd", "s"]

  /// The value integrated over time: its unit is the value's, by seconds.
  private func emit(
    sum: Double, _ device: Device, _ name: String, _ unit: String, _ moment: Moment, _ message: Message
  ) {
    message.emit(
      device, SenMLMetrics.sum, sum, moment, name: name + ".sum", unit: unit == "1" ? "s" : "\(unit).s")
  }

  private func moment(_ own: Double?, _ base: Double?, _ message: Message) -> Moment {
    guard own != nil || base != nil else { return message.received }
    let time = (own ?? 0) + (base ?? 0)
    if time >= SenMLReader.absoluteFrom { return message.moment(Timestamp(seconds: time)) }
    // Zero is now.
    guard time != 0, let offset = Timestamp(seconds: time) else { return message.received }
    return message.moment(message.reception.receivedAt + Span(nanoseconds: offset.nanoseconds))
  }

  private func split(base: String, _ own: String) -> (device: String, metric: String) {
    if !base.isEmpty {
      var device = base[...]
      while let last = device.last, ":/.-_".contains(last) { device = device.dropLast() }
      if !device.isEmpty { return (String(device), String(own.drop { ":/".contains($0) })) }
    }
    if own.hasPrefix("urn:dev:") {
      // urn:dev:<kind>:<identity>[:<the rest>]
      let parts = own.split(separator: ":", maxSplits: 4, omittingEmptySubsequences: false)
      if parts.count == 5 { return (parts[..<4].joined(separator: ":"), String(parts[4])) }
      return (own, "")
    }
    return (topic.text, own)
  }
}
