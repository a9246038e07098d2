import Decoding
import Telemetry

/// An explanation as lines for a terminal.
enum ExplanationText {
  /// More than a person reads; a hostile payload could have thousands.
  private static let most = 500

  static func lines(_ explanation: Explanation) -> [String] {
    guard let source = explanation.source else { return ["source: none takes this topic"] }
    var lines = ["source: \(source), format \(explanation.format ?? "")"]
    if let rule = explanation.rule { lines.append("rule: \(rule)") }
    if !explanation.captures.isEmpty {
      let captures = explanation.captures.map { "\($0.name) = \(shown($0.value))" }
      lines.append("captures: " + captures.joined(separator: ", "))
    }
    switch explanation.outcome {
    case .decoded: lines.append("outcome: decoded")
    case .partial: lines.append("outcome: partly decoded")
    case .ignored: lines.append("outcome: nothing to take")
    case .refused: lines.append("outcome: refused")
    case .unrouted: lines.append("outcome: no source")
    }
    for reading in explanation.readings.prefix(most) {
      var writer = JSONWriter()
      reading.observation.write(to: &writer)
      let place = reading.path.map { $0.isEmpty ? "(the whole)" : shown($0) }
      lines.append("taken: " + (place.map { "\($0) -> " } ?? "") + String(decoding: writer.bytes, as: UTF8.self))
    }
    for leaf in explanation.used.prefix(most) { lines.append("used: \(shown(leaf.path)): \(leaf.reason)") }
    for leaf in explanation.leftOut.prefix(most) {
      lines.append("left out: \(leaf.path.isEmpty ? "(the whole)" : shown(leaf.path)): \(leaf.reason)")
    }
    if explanation.hasLeaves, explanation.leftOut.isEmpty { lines.append("left out: nothing") }
    return lines
  }

  /// Keys come from the payload: no control character of theirs reaches the terminal.
  private static func shown(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars.prefix(200) {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: out += "\\u{\(String(scalar.value, radix: 16))}"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}
