import Glibc
import Telemetry

/// What a metric makes of a value. The steps are always these: sentinels, range, words, number, conversion.
struct MappingConversion {
  enum Result {
    /// No value, with why.
    case none(String)
    case fault(String)
    /// Several where one text holds several, each with its place in it.
    case values([(part: Int?, value: Observation.Value)])
  }

  private enum Raw {
    case number(Double)
    case flag(Bool)
    case text(String)

    var word: String {
      switch self {
      case .number(let number): MappedValue.digits(number)
      case .flag(let flag): flag ? "true" : "false"
      case .text(let text): text
      }
    }
  }

  private enum Single {
    case none(String)
    case fault(String)
    case value(Observation.Value)
  }

  private let rule: MetricRule
  private let limits: DecodingLimits
  private let noneWords: Set<String>
  private let noneNumbers: Set<Double>
  private let table: [String: String]
  private let tableNumbers: [Double: String]

  init(_ rule: MetricRule, limits: DecodingLimits) {
    self.rule = rule
    self.limits = limits
    noneWords = Set(rule.none.map { $0.lowercased() })
    noneNumbers = Set(rule.none.compactMap(MappingConditions.number))
    var table: [String: String] = [:]
    var numbers: [Double: String] = [:]
    if case .table(let words, let exact) = rule.words {
      for (key, value) in words {
        table[exact ? key : key.lowercased()] = value
        if let number = MappingConditions.number(key) { numbers[number] = value }
      }
    }
    self.table = table
    tableNumbers = numbers
  }

  func convert(_ value: JSONValue) -> Result {
    switch value.kind {
    case .null: return .none("null is no value")
    case .object, .array: return .fault("is \(value.kindName), not a value")
    case .unusable: return .fault(value.unusableReason)
    case .number: return value.number.map { one(.number($0)) } ?? .fault("is beyond what a double can hold")
    case .bool: return one(.flag(value.bool == true))
    case .string:
      let text = value.text.trimmed
      guard text.count <= limits.textBytes else {
        return .fault("a text of \(text.count) bytes; at most \(limits.textBytes) are taken")
      }
      guard !text.isEmpty else { return .none("an empty text is no value") }
      if ImageRedaction.isMarker(text) { return .none(ImageRedaction.reason) }
      return convert(text: String(utf8: text))
    }
  }

  func convert(text: String) -> Result {
    if let separators = rule.tokens {
      let tokens = Set(MappingConversion.parts(text, separators))
      guard !rule.has.isEmpty else { return one(.text(tokens.sorted().joined(separator: " "))) }
      let lowered = Set(tokens.map { $0.lowercased() })
      return one(.flag(rule.has.contains { lowered.contains($0.lowercased()) }))
    }
    guard let separators = rule.split else { return one(.text(text)) }
    var parts: [String] = []
    for part in MappingConversion.parts(text, separators) {
      // A unit that stands apart from its number: `-21.4 dBm` is one value.
      if let last = parts.last, UnitText.find(part) != nil {
        parts[parts.count - 1] = "\(last) \(part)"
      } else {
        parts.append(part)
      }
    }
    guard parts.count > 1 else { return one(.text(parts.first ?? text)) }
    var values: [(part: Int?, value: Observation.Value)] = []
    for (index, part) in parts.enumerated() {
      switch single(.text(part)) {
      case .none: continue
      case .fault(let reason): return .fault("value \(index): \(reason)")
      case .value(let value): values.append((index, value))
      }
    }
    return values.isEmpty ? .none("all of its values mean \"no value\"") : .values(values)
  }

  private static func parts(_ text: String, _ separators: String) -> [String] {
    var parts: [String] = []
    for piece in text.split(whereSeparator: { separators.contains($0) }) {
      let part = Array(piece.utf8).withUnsafeBytes { String(utf8: $0.trimmed) }
      if !part.isEmpty { parts.append(part) }
    }
    return parts
  }

  private func one(_ raw: Raw) -> Result {
    switch single(raw) {
    case .none(let why): .none(why)
    case .fault(let reason): .fault(reason)
    case .value(let value): .values([(nil, value)])
    }
  }

  private func single(_ raw: Raw) -> Single {
    let number = MappingConversion.number(raw)
    let word = raw.word
    if noneWords.contains(word.lowercased()) || number.map({ noneNumbers.contains($0.value) }) ?? false {
      return .none("means \"no value\"")
    }
    if let valid = rule.valid, let number, !valid.contains(number.value) { return .none("is out of its valid range") }
    switch rule.words {
    case nil: return value(raw, number, isMapped: false)
    case .table(_, let exact):
      let found = table[exact ? word : word.lowercased()] ?? number.flatMap { tableNumbers[$0.value] } ?? table["*"]
      guard let found else { return value(raw, number, isMapped: false) }
      if found.isEmpty { return .none("means \"no value\"") }
      return value(.text(found), MappingConversion.number(.text(found)), isMapped: true)
    case .boolean:
      guard let flag = StateWords.boolean(word) else { return .fault("is neither on nor off") }
      return value(.flag(flag), nil, isMapped: true)
    case .availability:
      guard let state = StateWords.availability(word) else { return .fault("is no word of availability") }
      return value(.text(state), nil, isMapped: true)
    }
  }

  /// A number with the unit behind it; `nil` where the value is none, or what follows is no unit.
  private static func number(_ raw: Raw) -> (value: Double, unit: UnitText?)? {
    switch raw {
    case .number(let number): return (number, nil)
    case .flag: return nil
    case .text(let text):
      return Array(text.utf8).withUnsafeBytes { bytes in
        guard let number = NumberText(bytes) else { return nil }
        guard !number.suffix.isEmpty else { return (number.value, nil) }
        let unit = UnitText.find(String(utf8: UnsafeRawBufferPointer(rebasing: number.suffix)))
        return unit.map { (number.value, $0) }
      }
    }
  }

  private func value(_ raw: Raw, _ number: (value: Double, unit: UnitText?)?, isMapped: Bool) -> Single {
    switch rule.kind {
    case .gauge, .counter:
      if case .flag(let flag) = raw { return .value(.number(flag ? 1 : 0)) }
      guard let number else { return .fault("is no number") }
      return quantity(number.value, number.unit, isMapped: isMapped)
    case .state:
      if case .number(let number) = raw, !isMapped, rule.scale != 1 || rule.offset != 0 {
        return .value(.state(MappedValue.digits(affine(number))))
      }
      return .value(.state(raw.word))
    case .event:
      if let number, number.unit == nil {
        if number.value < 0 { return .fault("a count cannot be negative") }
        return number.value == 0 ? .none("counts nothing") : .value(.event(count: number.value, attributes: []))
      }
      return StateWords.boolean(raw.word) == false
        ? .none("says that nothing happened") : .value(.event(count: 1, attributes: []))
    case nil:
      if let number, number.unit == nil { return quantity(number.value, nil, isMapped: isMapped) }
      return .value(.state(StateWords.folded(raw.word)))
    }
  }

  /// A unit behind the number goes before `scale` and `offset`.
  private func quantity(_ number: Double, _ unit: UnitText?, isMapped: Bool) -> Single {
    if isMapped { return .value(.number(number)) }
    if let unit, rule.unit != "1" {
      guard let factor = unit.factor(to: rule.unit) else { return .fault("is in \(unit.unit), not in \(rule.unit)") }
      return .value(.number(MappingConversion.rounded(number * factor, near: number * factor)))
    }
    let converted = affine(number)
    return converted.isFinite ? .value(.number(converted)) : .none("has no logarithm")
  }

  private func affine(_ number: Double) -> Double {
    guard rule.scale != 1 || rule.offset != 0 || rule.log10 else { return number }
    let scaled = rule.log10 ? 10 * Glibc.log10(number * rule.scale) : number * rule.scale
    let sum = scaled + rule.offset
    return MappingConversion.rounded(sum, near: max(abs(scaled), abs(rule.offset)))
  }

  /// To 14 digits of the largest part: 7655 × 0.01 − 100 is -23.45, not -23.450000000000003.
  private static func rounded(_ value: Double, near size: Double) -> Double {
    guard value.isFinite, size != 0, abs(size) < 1e200 else { return value }
    let power = pow(10, 13 - Glibc.log10(abs(size)).rounded(.down))
    let scaled = value * power
    guard scaled.isFinite, power.isFinite, power > 0 else { return value }
    return scaled.rounded() / power
  }
}
