import Telemetry

/// `format = "scalar"`: one value a topic, as text.
///
/// Without metric tables the metric is named by the topic's last level. A number, with a decimal point or comma and
/// a known unit behind it or none, is a gauge in that unit; all else is a state. Words that differ in case from
/// device to device (`ON`, `on`) are written small. A topic such as `…/LWT` or `…/status` is `availability` where its
/// word is one (`Online`, `offline`, `lost`). With metric tables, the whole payload is each table's value.
final class ScalarFormat: SourceFormat {
  let mappings: [MetricMapping]
  private let naming: Naming

  init(_ setup: SourceSetup) throws(DecoderSetupFault) {
    mappings = setup.source.metrics
    naming = setup.naming(BuiltInFormat.scalar.defaultClass)
    for (number, mapping) in mappings.enumerated() where !mapping.path.isEmpty {
      throw setup.fault(
        "metric[\(number)].path", "a scalar payload is one value and has no paths",
        hint: "leave the path out, or use format \"json\"")
    }
  }

  func reader(for topic: RoutedTopic, _ message: Message) -> any TopicReader {
    guard let device = naming.device(topic.captures, default: topic.text) else { return SilentReader.deviceLimit }
    return ScalarReader(self, device: device, name: topic.levels.last ?? topic.text)
  }
}

/// One topic of a `scalar` source.
final class ScalarReader: TopicReader {
  private let format: ScalarFormat
  private let itsDevice: Device
  private let name: String
  private let isAvailability: Bool
  private var series: [Series?]

  /// Places in `series` where there are no mappings.
  private enum Place: Int, CaseIterable {
    case gauge, state, availability
  }

  init(_ format: ScalarFormat, device: Device, name: String) {
    self.format = format
    self.itsDevice = device
    self.name = name
    isAvailability = StateWords.availabilityTopics.contains(name.lowercased())
    series = Array(repeating: nil, count: max(Place.allCases.count, format.mappings.count))
  }

  var device: Device? { itsDevice }
  var payloadDecidesDevice: Bool { false }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    if payload.isEmpty { return .ignored("an empty payload: the topic was cleared") }
    var text = payload.trimmed
    guard let first = text.first else { return .refused(DecodingFault(byte: 0, "nothing but white space")) }
    if let content = BinaryContent.describe(payload) {
      return .refused(DecodingFault(byte: 0, "\(content), not a value"))
    }
    if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") || first == UInt8(ascii: "<") {
      return .refused(DecodingFault(byte: 0, "a document, not one value; is the source's format right?"))
    }
    if let invalid = UTF8Check.firstInvalid(payload) { return .refused(DecodingFault(byte: invalid, "invalid UTF-8")) }
    guard text.count <= message.limits.textBytes else {
      return .refused(
        DecodingFault(byte: message.limits.textBytes, "a text of \(text.count) bytes is not a value", limit: .text))
    }
    // One bare JSON text is a value, too.
    if text.count >= 2, first == UInt8(ascii: "\""), text.last == first, !text.contains(UInt8(ascii: "\\")) {
      text = UnsafeRawBufferPointer(rebasing: text.dropFirst().dropLast()).trimmed
    }
    if format.mappings.isEmpty {
      take(text, message)
    } else {
      for (number, mapping) in format.mappings.enumerated() { take(text, number, mapping, message) }
    }
    return message.outcome(nothing: "the payload says nothing")
  }

  private func take(_ text: UnsafeRawBufferPointer, _ number: Int, _ mapping: MetricMapping, _ message: Message) {
    switch MappedValue.convert(text: text, mapping, limits: message.limits) {
    case .none: break
    case .value(let value): append(number, mapping.name, mapping.unit, mapping.kind, value, message)
    case .fault(let reason): message.fault(DecodingFault(path: "", reason, showing: text))
    }
  }

  private func take(_ text: UnsafeRawBufferPointer, _ message: Message) {
    if isAvailability, let state = StateWords.availability(String(utf8: text)) {
      append(Place.availability.rawValue, "availability", "1", .state, .state(state), message)
      return
    }
    if let number = NumberText(text) {
      if number.suffix.isEmpty {
        append(Place.gauge.rawValue, name, "1", .gauge, .number(number.value), message)
        return
      }
      if let unit = UnitText.find(String(utf8: UnsafeRawBufferPointer(rebasing: number.suffix))) {
        append(Place.gauge.rawValue, name, unit.unit, .gauge, .number(number.value), message)
        return
      }
    }
    let word = String(utf8: text)
    if ScalarReader.isNoNumber(word) { return message.fault(DecodingFault(path: "", "is not a finite number")) }
    append(Place.state.rawValue, name, "1", .state, .state(StateWords.folded(word)), message)
  }

  /// What programs print instead of a number: no reading, and no state either.
  private static func isNoNumber(_ word: String) -> Bool {
    switch word.lowercased() {
    case "nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity": true
    default: false
    }
  }

  private func append(
    _ place: Int, _ metric: String, _ unit: String, _ kind: MetricKind, _ value: Observation.Value, _ message: Message
  ) {
    if let known = series[place] { return message.append(known, value, message.received) }
    guard let made = message.registry.series(of: itsDevice, metric, unit: unit, kind: kind) else {
      return message.fault(DecodingFault(path: metric, "the limit of known series is reached", limit: .series))
    }
    series[place] = made
    message.append(made, value, message.received)
  }
}
