/// Makes a metric's name of what devices say.
enum MetricName {
  /// A record's line has room for it.
  private static let longest = 120

  /// What can't stand in a name becomes a `_`.
  static func clean(_ text: String) -> String {
    var name = ""
    for scalar in text.unicodeScalars {
      guard name.utf8.count < longest else { break }
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned,
        .spaceSeparator:
        name += "_"
      default: name.unicodeScalars.append("{}=,\"\\".unicodeScalars.contains(scalar) ? "_" : scalar)
      }
    }
    return name.isEmpty ? "value" : name
  }
}
