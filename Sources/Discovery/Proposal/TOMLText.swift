import Telemetry

/// Writes TOML that reads back as what was meant, whatever devices called themselves.
enum TOMLText {
  /// A basic string.
  static func string(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      default:
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
          out += escaped(scalar.value)
        default: out.unicodeScalars.append(scalar)
        }
      }
    }
    return out + "\""
  }

  private static func escaped(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    let width = value > 0xffff ? 8 : 4
    return (width == 8 ? "\\U" : "\\u") + String(repeating: "0", count: width - digits.count) + digits
  }

  /// Lines of a comment, wrapped.
  static func comment(_ text: String, width: Int = 110) -> [String] {
    var lines: [String] = []
    var line = "#"
    for word in Printable.text(text, limit: 1000).split(separator: " ") {
      if line.count + word.count + 1 > width, line != "#" {
        lines.append(line)
        line = "# "
      }
      line += " " + word
    }
    lines.append(line)
    return lines
  }
}
