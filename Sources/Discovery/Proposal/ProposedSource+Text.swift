import Telemetry

extension ProposedSource {
  /// The table, with its reasons above it.
  public var text: String {
    var lines: [String] = []
    for note in notes { lines += TOMLText.comment(note) }
    for doubt in doubts { lines += TOMLText.comment("Look: " + doubt) }
    lines.append("[[source]]")
    var keys: [(String, String)] = [
      ("name", TOMLText.string(name)), ("topic", TOMLText.string(topic)), ("format", TOMLText.string(format)),
    ]
    if let deviceClass { keys.append(("class", TOMLText.string(deviceClass.rawValue))) }
    if let device { keys.append(("device", TOMLText.string(device))) }
    if let site { keys.append(("site", TOMLText.string(site))) }
    if let interval { keys.append(("interval", TOMLText.string("\(interval)"))) }
    if let time {
      keys.append(
        ("time", "{ path = \(TOMLText.string(time.path)), unit = \(TOMLText.string(time.unit.rawValue)) }"))
    }
    if let timezone { keys.append(("timezone", TOMLText.string(timezone))) }
    lines += ProposedSource.aligned(keys, indent: "")
    for metric in metrics {
      lines.append("")
      lines += metric.lines
    }
    return lines.joined(separator: "\n") + "\n"
  }

  static func aligned(_ keys: [(String, String)], indent: String) -> [String] {
    let width = keys.map(\.0.count).max() ?? 0
    return keys.map { indent + $0.0 + String(repeating: " ", count: width - $0.0.count) + " = " + $0.1 }
  }
}

extension ProposedMetric {
  fileprivate var lines: [String] {
    let indent = "  "
    var lines: [String] = []
    if let doubt { lines += TOMLText.comment("Look: " + doubt).map { indent + $0 } }
    lines.append(indent + "[[source.metric]]")
    var keys: [(String, String)] = [("name", TOMLText.string(name))]
    if let path { keys.append(("path", TOMLText.string(path))) }
    if unit != "1" { keys.append(("unit", TOMLText.string(unit))) }
    if kind != .gauge { keys.append(("kind", TOMLText.string(kind.rawValue))) }
    if let each {
      keys.append(("each", TOMLText.string(each)))
      keys.append(("labels", "{ n = \"{n}\" }"))
    }
    if let scale { keys.append(("scale", "\(scale)")) }
    if isAvailability { keys.append(("map", "\"availability\"")) }
    lines += ProposedSource.aligned(keys, indent: indent)
    return lines
  }
}
