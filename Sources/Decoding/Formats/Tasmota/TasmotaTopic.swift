import Telemetry

/// A Tasmota topic: a prefix (`tele`, `stat`, `cmnd`), the device's own topic and what the message is, in any order
/// of the first two (FullTopic is configurable). Captures `{prefix}`, `{device}` and `{kind}` of the source's pattern
/// go before what is found by content.
struct TasmotaTopic {
  let prefix: String
  let device: String
  /// `SENSOR`, `STATE`, `LWT`, `STATUS8`, `POWER1` …
  let kind: String

  private static let prefixes: Set<String> = ["tele", "stat", "cmnd"]

  init(_ topic: RoutedTopic) {
    var rest = topic.levels
    if let captured = topic.captures["kind"] {
      kind = captured
      if let at = rest.lastIndex(of: captured) { rest.remove(at: at) }
    } else {
      kind = rest.popLast() ?? ""
    }
    if let captured = topic.captures["prefix"] {
      prefix = captured
      if let at = rest.firstIndex(of: captured) { rest.remove(at: at) }
    } else if rest.count > 1 || topic.captures["device"] != nil,
      let at = rest.firstIndex(where: TasmotaTopic.prefixes.contains)
    {
      prefix = rest.remove(at: at)
    } else {
      prefix = ""
    }
    device = topic.captures["device"] ?? (rest.isEmpty ? topic.text : rest.joined(separator: "/"))
  }
}
