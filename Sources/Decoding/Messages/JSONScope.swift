import Telemetry

/// Takes single values of a JSON payload, all of one moment. A value that is absent, `null` or an empty text is
/// passed over; one of the wrong kind is a fault at its path.
struct JSONScope {
  let message: Message
  let moment: Moment

  func number(
    _ value: JSONValue?, _ device: Device, _ entry: CatalogueEntry, _ path: @autoclosure () -> String,
    labels: [Series.Label] = [], scale: Double = 1, name: String? = nil
  ) {
    guard let value, let number = number(value, path()) else { return }
    message.emit(device, entry, number * scale, moment, labels: labels, name: name)
  }

  /// `"9.0%"`, `"9.0"` or 9.0 as 0.09.
  func percent(
    _ value: JSONValue?, _ device: Device, _ entry: CatalogueEntry, _ path: @autoclosure () -> String,
    labels: [Series.Label] = []
  ) {
    number(value, device, entry, path(), labels: labels, scale: 0.01)
  }

  /// `true`, `"ON"` or 1.
  func flag(
    _ value: JSONValue?, _ device: Device, _ entry: CatalogueEntry, _ path: @autoclosure () -> String,
    labels: [Series.Label] = []
  ) {
    guard let value, value.kind != .null else { return }
    guard let flag = VendorValue(value, limits: message.limits).boolean else {
      return message.fault(DecodingFault(path: path(), "is neither true nor false", showing: value.text))
    }
    message.emit(device, entry, flag ? "true" : "false", moment, labels: labels)
  }

  func state(
    _ value: JSONValue?, _ device: Device, _ entry: CatalogueEntry, _ path: @autoclosure () -> String,
    labels: [Series.Label] = []
  ) {
    guard let value else { return }
    switch value.kind {
    case .null: break
    case .bool: message.emit(device, entry, value.bool == true ? "true" : "false", moment, labels: labels)
    case .string:
      guard !value.text.isEmpty, let text = message.shortText(value.text, path: path()) else { return }
      message.emit(device, entry, text, moment, labels: labels)
    default: message.fault(DecodingFault(path: path(), "\(value.kindName), not a text"))
    }
  }

  /// A number, or a text that is one, with `%` or nothing behind it.
  func number(_ value: JSONValue, _ path: @autoclosure () -> String) -> Double? {
    switch value.kind {
    case .null: return nil
    case .number:
      if let number = value.number { return number }
      message.fault(DecodingFault(path: path(), "is beyond what a double can hold"))
    case .string:
      let text = value.text.trimmed
      // What Frigate writes for a GPU that doesn't tell.
      guard !text.isEmpty, !text.equals("-%") else { return nil }
      if let number = NumberText(text), number.suffix.isEmpty || number.suffix.elementsEqual("%".utf8) {
        return number.value
      }
      message.fault(DecodingFault(path: path(), "is no number", showing: text))
    case .unusable: message.fault(DecodingFault(path: path(), value.unusableReason))
    case .bool, .object, .array: message.fault(DecodingFault(path: path(), "\(value.kindName), not a number"))
    }
    return nil
  }
}
