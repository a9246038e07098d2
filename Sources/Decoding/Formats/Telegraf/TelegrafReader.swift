import Telemetry

/// One topic of a `telegraf` source.
final class TelegrafReader: TopicReader {
  enum Value {
    case number(Double)
    case word(String)
  }

  private struct Pending {
    let field: TelegrafPoint.Field
    let path: String?
    let value: Observation.Value
  }

  let topic: RoutedTopic
  private let format: TelegrafFormat
  private var pending: [Pending] = []
  private var fieldPoint: TelegrafPoint?

  /// Never given twice by one source, unlike an object's address.
  let number: UInt64

  init(_ format: TelegrafFormat, _ topic: RoutedTopic, number: UInt64) {
    self.format = format
    self.number = number
    self.topic = topic
  }

  var device: Device? { nil }
  var payloadDecidesDevice: Bool { true }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    let trimmed = payload.trimmed
    guard let first = trimmed.first else { return .refused(DecodingFault(byte: 0, "the payload is empty")) }
    if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") { return json(payload, message) }
    if let content = BinaryContent.describe(payload) { return .refused(DecodingFault(byte: 0, content)) }
    if let invalid = UTF8Check.firstInvalid(payload) { return .refused(DecodingFault(byte: invalid, "invalid UTF-8")) }
    if !trimmed.contains(UInt8(ascii: "=")) { return bareValue(trimmed, message) }
    return lines(payload, message)
  }

  // MARK: - Points

  private func point(_ key: UnsafeRawBufferPointer, _ make: () -> TelegrafHead) -> TelegrafPoint? {
    format.point(key, topic: self, make)
  }

  private func hold(_ point: TelegrafPoint, _ name: UnsafeRawBufferPointer, _ value: Value, _ message: Message) {
    func path() -> String { "\(point.measurement)/\(String(utf8: name))" }
    let place = message.trace == nil ? nil : path()
    guard name.count <= message.limits.textBytes else {
      return message.fault(DecodingFault(path: point.measurement, "a field's name of \(name.count) bytes"))
    }
    let isNumber = if case .number = value { true } else { false }
    guard let field = point.field(name, isNumber: isNumber, message) else {
      return message.fault(DecodingFault(path: path(), "the limit of known series is reached", limit: .series))
    }
    switch (value, field.entry.kind) {
    case (.number(let number), .state):
      guard let state = TelegrafMetrics.interfaceStatus(number) else {
        return message.fault(DecodingFault(path: path(), "is no status of an interface"))
      }
      pending.append(Pending(field: field, path: place, value: .state(state)))
    case (.number(let number), _):
      let scaled = number * field.scale
      guard scaled.isFinite else { return message.fault(DecodingFault(path: path(), "is not a finite number")) }
      pending.append(Pending(field: field, path: place, value: .number(scaled)))
    case (.word(let word), _):
      let isStatus =
        field.entry.metric == TelegrafMetrics.operStatus.metric
        || field.entry.metric == TelegrafMetrics.adminStatus.metric
      pending.append(Pending(field: field, path: place, value: .state(isStatus ? word.lowercased() : word)))
    }
  }

  /// Of two fields of one point that are the same series, the one with more bits is taken.
  private func release(_ claimed: Timestamp?, _ message: Message) {
    let moment = message.moment(claimed)
    let hasWide = pending.contains { $0.field.isWide }
    for one in pending {
      let isNarrow = hasWide && !one.field.isWide
      if isNarrow, pending.contains(where: { $0.field.isWide && $0.field.series === one.field.series }) {
        if let path = one.path { message.trace?.left(path, "another field says the same with more bits") }
        continue
      }
      message.trace?.took(one.path)
      message.append(one.field.series, one.value, moment)
    }
    pending.removeAll(keepingCapacity: true)
  }

  // MARK: - Line protocol

  private func lines(_ payload: UnsafeRawBufferPointer, _ message: Message) -> Decoder.Outcome {
    var fields = 0
    var parser = InfluxLines(payload)
    while let start = parser.nextLine() {
      do throws(DecodingFault) {
        try line(&parser, &fields, message)
      } catch {
        pending.removeAll(keepingCapacity: true)
        message.fault(error)
        parser.skipLine(from: start)
      }
      guard fields <= message.limits.fields else {
        return .refused(DecodingFault(payload: "more than \(message.limits.fields) fields", limit: .fields))
      }
    }
    return message.outcome(nothing: "no points in the payload")
  }

  private func line(_ parser: inout InfluxLines, _ fields: inout Int, _ message: Message) throws(DecodingFault) {
    let start = parser.at
    let head = try parser.head()
    guard head.count <= 4096 else { throw DecodingFault(byte: start, "tags of \(head.count) bytes") }
    let known = point(head) { InfluxLines.parse(head: head) }
    guard let known else { throw DecodingFault(byte: start, "the limit of known devices is reached", limit: .devices) }
    repeat {
      let (name, value) = try parser.field(limit: message.limits.textBytes)
      fields += 1
      guard fields <= message.limits.fields else { return }
      if let value {
        name.withBytes { hold(known, $0, value, message) }
      } else {
        message.trace?.left(
          "\(known.measurement)/\(name.text)", "an empty or too long text")
      }
    } while parser.takeComma()
    let stamp = try parser.timestamp()
    release(stamp.flatMap(EpochTime.guessed), message)
  }

  // MARK: - JSON

  private func json(_ payload: UnsafeRawBufferPointer, _ message: Message) -> Decoder.Outcome {
    let root: JSONValue
    do throws(DecodingFault) { root = try message.json.parse(payload) } catch { return .refused(error) }
    if let batch = root.member("metrics"), batch.kind == .array {
      for (position, point) in batch.elements.enumerated() { json(point, "/metrics/\(position)", message) }
    } else if root.kind == .array {
      for (position, point) in root.elements.enumerated() { json(point, "/\(position)", message) }
    } else {
      json(root, "", message)
    }
    return message.outcome(nothing: "no points in the payload")
  }

  private func json(_ point: JSONValue, _ path: String, _ message: Message) {
    guard let fields = point.member("fields"), fields.kind == .object else {
      return message.fault(DecodingFault(path: path + "/fields", "there is no such object"))
    }
    guard let name = point.member("name"), name.kind == .string, !name.text.isEmpty,
      name.text.count <= message.limits.textBytes
    else { return message.fault(DecodingFault(path: path + "/name", "there is no measurement's name")) }
    var head = TelegrafHead(measurement: String(utf8: name.text), tags: [])
    var key = Array(name.text)
    if let tags = point.member("tags") {
      for (tag, value) in tags.members {
        guard let tagName = message.shortText(tag, path: path + "/tags"),
          let text = VendorValue(value, limits: message.limits).label
        else { continue }
        head.tags.append((tagName, text))
        key.append(0)
        key.append(contentsOf: tagName.utf8)
        key.append(0)
        key.append(contentsOf: text.utf8)
      }
    }
    guard let known = key.withUnsafeBytes({ self.point($0) { head } }) else {
      return message.fault(DecodingFault(path: path, "the limit of known devices is reached", limit: .devices))
    }
    for (field, value) in fields.members { json(known, field, value, path + "/fields", message) }
    release(time(point, path, message), message)
  }

  private func json(
    _ point: TelegrafPoint, _ field: UnsafeRawBufferPointer, _ value: JSONValue, _ path: String, _ message: Message
  ) {
    func place() -> String { path + "/" + JSONPointer.escape(String(utf8: field)) }
    switch value.kind {
    case .number: if let number = value.number { hold(point, field, .number(number), message) }
    case .bool: hold(point, field, .word(value.bool == true ? "true" : "false"), message)
    case .string:
      if !value.text.isEmpty, let text = message.shortText(value.text, path: place()) {
        hold(point, field, .word(text), message)
      }
    case .unusable: message.fault(DecodingFault(path: place(), value.unusableReason))
    case .object:
      // `json_nested_fields_include` writes a text that is JSON as such.
      for (key, inner) in value.members {
        let name = Array(field) + [UInt8(ascii: ".")] + Array(key)
        name.withUnsafeBytes { json(point, $0, inner, path, message) }
      }
    case .array: message.fault(DecodingFault(path: place(), "\(value.kindName), not a value"))
    case .null: break
    }
  }

  private func time(_ point: JSONValue, _ path: String, _ message: Message) -> Timestamp? {
    guard let stamp = point.member("timestamp"), stamp.kind != .null else { return nil }
    if let integer = stamp.integer { return EpochTime.guessed(integer) }
    if let number = stamp.number, abs(number) < 9e18 {
      return abs(number) < 1e11 ? Timestamp(seconds: number) : EpochTime.guessed(Int64(number))
    }
    if stamp.kind == .string {
      // `json_timestamp_format` may be any layout; the standard one is read.
      let text = stamp.text.trimmed
      if let integer = IntegerText.parse(text) { return EpochTime.guessed(integer) }
      if let time = ISOTime.parse(text, zone: nil) { return time }
    }
    message.fault(DecodingFault(path: path + "/timestamp", "is no number, and no date and time in ISO 8601"))
    return nil
  }

  // MARK: - Field layout

  private func bareValue(_ text: UnsafeRawBufferPointer, _ message: Message) -> Decoder.Outcome {
    guard let name = topic.levels.last, topic.levels.count > 1 else {
      return .refused(DecodingFault(byte: 0, "neither line protocol nor JSON"))
    }
    // The layouts of Homie describe their devices and fields.
    if name.first == "$", name != "$state" { return .ignored("a description of the device or a field") }
    if fieldPoint == nil {
      fieldPoint = format.fieldDevice(topic).map { TelegrafPoint(device: $0, measurement: "", labels: []) }
    }
    guard let fieldPoint else {
      return .refused(DecodingFault(payload: "the limit of known devices is reached", limit: .devices))
    }
    let word = String(utf8: text)
    let value: Value
    if let number = NumberText(text), number.suffix.isEmpty {
      value = .number(number.value)
    } else if name == "$state", let state = StateWords.availability(word) {
      message.emit(fieldPoint.device, SharedMetrics.availability, state, message.received)
      message.trace?.took("")
      return message.outcome(nothing: "")
    } else if text.count <= message.limits.textBytes, !text.contains(where: { $0.isWhite || $0 == UInt8(ascii: ",") }) {
      value = .word(word)
    } else {
      // A line that lost its fields is no value.
      return .refused(DecodingFault(byte: 0, "neither line protocol, nor JSON, nor one number or word"))
    }
    var field = name
    field.withUTF8 { hold(fieldPoint, UnsafeRawBufferPointer($0), value, message) }
    release(nil, message)
    return message.outcome(nothing: "no value in the payload")
  }
}
