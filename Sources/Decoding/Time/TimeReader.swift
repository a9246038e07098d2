import Telemetry

/// Reads the time from a place in a JSON payload.
struct TimeReader {
  enum Reading {
    /// Nothing stands there, or nothing that means anything: `null`, an empty text.
    case absent
    case at(Timestamp)
    /// Something stands there that is no time.
    case unreadable(String)
  }

  let pointer: JSONPointer
  /// The pointer as configured.
  let text: String
  let unit: TimeMapping.Unit
  let zone: LocalZone

  /// The time of a document; what is unreadable becomes a fault, and the time of receipt is taken.
  func time(in root: JSONValue, _ message: Message) -> Timestamp? {
    guard let value = root.resolve(pointer) else { return nil }
    return time(of: value, message)
  }

  func time(of value: JSONValue, _ message: Message) -> Timestamp? {
    switch read(value) {
    case .absent: return nil
    case .at(let time): return time
    case .unreadable(let reason):
      message.fault(DecodingFault(path: text, reason, showing: value.text))
      return nil
    }
  }

  func read(_ value: JSONValue) -> Reading {
    switch value.kind {
    case .null: return .absent
    case .string: return read(text: value.text.trimmed)
    case .number:
      guard unit != .iso else { return .unreadable("a number, where a date and time in ISO 8601 was expected") }
      if let integer = value.integer { return EpochTime.time(integer, unit).map(Reading.at) ?? outOfRange }
      guard let number = value.number else { return outOfRange }
      return EpochTime.time(number, unit).map(Reading.at) ?? outOfRange
    case .object, .array, .bool, .unusable: return .unreadable("\(value.kindName), where a time was expected")
    }
  }

  private func read(text: UnsafeRawBufferPointer) -> Reading {
    guard !text.isEmpty else { return .absent }
    guard unit == .iso else {
      if let integer = IntegerText.parse(text) {
        return EpochTime.time(integer, unit).map(Reading.at) ?? outOfRange
      }
      guard let number = NumberText.double(text), number.isFinite else {
        return .unreadable("no number of \(unit.rawValue)")
      }
      return EpochTime.time(number, unit).map(Reading.at) ?? outOfRange
    }
    guard let time = ISOTime.parse(text, zone: zone) else { return .unreadable("no date and time in ISO 8601") }
    return .at(time)
  }

  private var outOfRange: Reading { .unreadable("a time out of range") }
}
