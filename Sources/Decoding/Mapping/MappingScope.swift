import Telemetry

/// A thing in a payload that a rule looks at: the payload itself, or one of those that `each` reaches.
struct MappingScope {
  let value: JSONValue
  /// Its JSON Pointer, for faults and explanations.
  let path: String
  var captures: [String: String]
  let message: Message

  /// A scalar as a word; `nil` for anything else, and where it is empty.
  func word(at pointer: JSONPointer, _ text: String, for use: String) -> String? {
    guard let found = value.resolve(pointer) else { return nil }
    message.trace?.used(path + text, use)
    return MappingScope.word(found, message.limits)
  }

  static func word(_ value: JSONValue, _ limits: DecodingLimits) -> String? {
    switch value.kind {
    case .number: return value.number.map(MappedValue.digits)
    case .bool: return value.bool == true ? "true" : "false"
    case .string:
      let text = value.text.trimmed
      return text.isEmpty || text.count > limits.textBytes || ImageRedaction.isMarker(text) ? nil : String(utf8: text)
    case .null, .object, .array, .unusable: return nil
    }
  }
}
