import Telemetry

/// A value as ONVIF bridges send it: typed, or everything a text; the same reading either way.
enum VendorValue {
  case number(Double)
  case flag(Bool)
  case text(String)
  /// `null`, an empty text.
  case nothing
  case fault(String)

  init(_ value: JSONValue, limits: DecodingLimits) {
    switch value.kind {
    case .null: self = .nothing
    case .bool: self = .flag(value.bool == true)
    case .number: self = value.number.map(VendorValue.number) ?? .fault("is beyond what a double can hold")
    case .unusable: self = .fault(value.unusableReason)
    case .object, .array: self = .nothing
    case .string:
      let text = value.text.trimmed
      if text.isEmpty {
        self = .nothing
      } else if text.count > limits.textBytes {
        self = .fault("a text of \(text.count) bytes; at most \(limits.textBytes) are taken")
      } else if ImageRedaction.isMarker(text) {
        self = .fault(ImageRedaction.reason)
      } else if text.equals("true") {
        self = .flag(true)
      } else if text.equals("false") {
        self = .flag(false)
      } else if let number = NumberText(text), number.suffix.isEmpty {
        self = .number(number.value)
      } else {
        self = .text(String(utf8: text))
      }
    }
  }

  /// As a label's or attribute's value; `nil` where there is none.
  var label: String? {
    switch self {
    case .number(let number): MappedValue.digits(number)
    case .flag(let flag): flag ? "true" : "false"
    case .text(let text): text
    case .nothing, .fault: nil
    }
  }

  /// Axis writes `1` and `0` for true and false, and ONVIF's states may come so, too.
  var boolean: Bool? {
    switch self {
    case .flag(let flag): flag
    case .number(let number): number == 1 ? true : number == 0 ? false : nil
    case .text(let text): StateWords.boolean(text)
    case .nothing, .fault: nil
    }
  }
}
