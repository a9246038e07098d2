/// Tells influx line protocol from other texts: `measurement[,tag=value…] field=value[,…] [time]`.
enum InfluxLine {
  static func isOne(_ text: String) -> Bool {
    guard let line = text.split(separator: "\n").first(where: { !$0.hasPrefix("#") }) else { return false }
    var parts: [String] = [""]
    var isQuoted = false
    var isEscaped = false
    for character in line.prefix(longest) {
      if isEscaped {
        isEscaped = false
        parts[parts.count - 1].append("_")
        continue
      }
      switch character {
      case "\\": isEscaped = true
      case "\"":
        isQuoted.toggle()
        parts[parts.count - 1].append("_")
      case " " where !isQuoted: parts.append("")
      default: parts[parts.count - 1].append(character)
      }
    }
    parts.removeAll(where: \.isEmpty)
    guard parts.count == 2 || parts.count == 3 else { return false }
    guard let measurement = parts[0].split(separator: ",").first, !measurement.contains("=") else { return false }
    guard parts[0].split(separator: ",").dropFirst().allSatisfy({ $0.contains("=") }) else { return false }
    guard parts[1].split(separator: ",").allSatisfy({ $0.contains("=") }), parts[1].contains("=") else { return false }
    return parts.count == 2 || (Int64(parts[2]) != nil && parts[2].utf8.count >= 9)
  }

  /// A line's tags and fields; what follows tells no more.
  private static let longest = 8192
}
