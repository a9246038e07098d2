import Telemetry

/// What a metric table makes of a value.
///
/// - gauge, counter: a number, a number in a text (with a known unit behind it, converted where the table asks for
///   another one of the same quantity), true as 1 and false as 0.
/// - state: a text as it is, true and false as such, a number by its digits.
/// - event: a number is a count; true, or a text that doesn't say "off", is one.
///
/// `null` and an empty text are no value, except that a state may be empty.
enum MappedValue {
  case none
  case value(Observation.Value)
  case fault(String)

  static func convert(_ value: JSONValue, _ mapping: MetricMapping, limits: DecodingLimits) -> MappedValue {
    switch value.kind {
    case .null: return .none
    case .object, .array: return .fault("is \(value.kindName), not a value")
    case .unusable: return .fault(value.unusableReason)
    case .number:
      guard let number = value.number else { return .fault("is beyond what a double can hold") }
      return convert(number, mapping)
    case .bool: return convert(value.bool == true, mapping)
    case .string: return convert(text: value.text, mapping, limits: limits)
    }
  }

  private static func convert(_ number: Double, _ mapping: MetricMapping) -> MappedValue {
    switch mapping.kind {
    case .gauge, .counter: return .value(.number(number))
    case .state: return .value(.state(digits(number)))
    case .event: return event(count: number)
    }
  }

  private static func convert(_ flag: Bool, _ mapping: MetricMapping) -> MappedValue {
    switch mapping.kind {
    case .gauge, .counter: .value(.number(flag ? 1 : 0))
    case .state: .value(.state(flag ? "true" : "false"))
    case .event: flag ? event(count: 1) : .none
    }
  }

  static func convert(
    text: UnsafeRawBufferPointer, _ mapping: MetricMapping, limits: DecodingLimits
  ) -> MappedValue {
    guard text.count <= limits.textBytes else {
      return .fault("a text of \(text.count) bytes; at most \(limits.textBytes) are taken")
    }
    if ImageRedaction.isMarker(text) { return .fault(ImageRedaction.reason) }
    switch mapping.kind {
    case .gauge, .counter:
      let trimmed = text.trimmed
      guard !trimmed.isEmpty else { return .none }
      guard let number = NumberText(trimmed) else {
        guard let flag = StateWords.boolean(String(utf8: trimmed)) else { return .fault("is no number") }
        return .value(.number(flag ? 1 : 0))
      }
      guard !number.suffix.isEmpty else { return .value(.number(number.value)) }
      guard let unit = UnitText.find(String(utf8: UnsafeRawBufferPointer(rebasing: number.suffix))) else {
        return .fault("is no number with a known unit")
      }
      guard let factor = unit.factor(to: mapping.unit) else {
        return .fault("is in \(unit.unit), not in \(mapping.unit)")
      }
      return .value(.number(number.value * factor))
    case .state: return .value(.state(String(utf8: text)))
    case .event:
      let trimmed = text.trimmed
      guard !trimmed.isEmpty else { return .none }
      if let number = NumberText(trimmed), number.suffix.isEmpty { return event(count: number.value) }
      let word = String(utf8: trimmed)
      switch StateWords.boolean(word) {
      case false: return .none
      case true: return event(count: 1)
      default: return .value(.event(count: 1, attributes: [Series.Label("value", word)]))
      }
    }
  }

  private static func event(count: Double) -> MappedValue {
    if count < 0 { return .fault("a count cannot be negative") }
    return count == 0 ? .none : .value(.event(count: count, attributes: []))
  }

  /// A number as its shortest digits, whole ones without a point.
  static func digits(_ number: Double) -> String {
    var bytes: [UInt8] = []
    JSONWriter.append(number, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
