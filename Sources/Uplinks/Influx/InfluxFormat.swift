import Outbox
import Telemetry

/// Summaries as points of a time series: one for each metric and window.
///
/// - The measurement is the metric's name without its labels; the time is the window's start.
/// - Tags: `gateway`, `epoch`, `device`, `class`, `site`, `kind`, `unit`, and the labels of a metric with several
///   instances. The epoch is among them since epochs hold disjoint messages: their points stand side by side.
/// - Fields: the figures of the record, all as floats. A state's last value is `state`, a text; the seconds of each are
///   `seconds.NAME`.
/// - Alarms are points of `alarm` at the time of the transition, with the fields `active` (1 raised, 0 cleared),
///   `value`, `threshold` and `message`.
///
/// The same record gives the same points, a revision overwrites them. Reports of the gateway on itself, accountings and
/// raw messages have no place in a time series and count as taken.
struct InfluxFormat: HTTPFormat {
  let address: Address
  let gateway: String

  var url: String { address.write }
  var host: String { address.host }
  var readsAnswers: Bool { false }

  func request(for batch: Batch, _ encoding: UplinkDefinition.Compression) throws -> HTTPRequest? {
    let json = try batch.json()
    guard let tree = try? JSONTree(json), let records = tree["records"]?.elements else {
      throw OutboxError(
        .damagedBatch, operation: "reading", path: batch.idempotencyKey, message: "its records can't be read back")
    }
    var lines = LineProtocol()
    for record in records { write(record, epoch: tree["epoch"]?.text, to: &lines) }
    if lines.bytes.isEmpty { return nil }
    return HTTPRequest(
      headers: ["Content-Type: text/plain; charset=utf-8", "Content-Encoding: gzip"],
      body: try Batch.gzip(lines.bytes))
  }

  /// A token with a colon is a name and a password, as InfluxDB 1 has them.
  func authorization(_ token: String) -> String {
    token.contains(":") ? "Basic \(Base64Text.encode(Array(token.utf8)))" : "Token \(token)"
  }

  private func write(_ record: JSONTree, epoch: String?, to lines: inout LineProtocol) {
    switch record["type"]?.text {
    case "summary": summary(record, epoch, &lines)
    case "alarm": alarm(record, &lines)
    default: break
    }
  }

  private func summary(_ record: JSONTree, _ epoch: String?, _ lines: inout LineProtocol) {
    guard let start = record["start"]?.text.flatMap({ RFC3339.parse($0) }), let metrics = record["metrics"]?.members
    else { return }
    for (name, figures) in metrics {
      guard let members = figures.members else { continue }
      let (metric, labels) = InfluxFormat.parts(of: name)
      var tags: [(String, String?)] = [
        ("gateway", gateway), ("epoch", epoch), ("device", record["device"]?.text ?? record["group"]?.text),
        ("class", record["class"]?.text), ("site", record["site"]?.text), ("kind", figures["kind"]?.text),
        ("unit", figures["unit"]?.text),
      ]
      let own = Set(tags.map(\.0) + ["time"])
      tags += labels.map { (own.contains($0.0) ? "label." + $0.0 : $0.0, $0.1) }
      var fields: [(String, LineProtocol.Field)] = []
      for (key, value) in members where key != "kind" && key != "unit" {
        switch value {
        case .number(let number): fields.append((key, .number(number)))
        case .string(let text): fields.append((key == "last" ? "state" : key, .text(text)))
        case .object(let parts):
          for (part, value) in parts {
            if let number = value.double { fields.append(("\(key).\(part)", .number(number))) }
          }
        default: break
        }
      }
      lines.point(metric, tags: tags, fields: fields, milliseconds: start.milliseconds)
    }
  }

  private func alarm(_ record: JSONTree, _ lines: inout LineProtocol) {
    guard let time = record["time"]?.text.flatMap({ RFC3339.parse($0) }), let transition = record["transition"]?.text
    else { return }
    var fields: [(String, LineProtocol.Field)] = [("active", .number(transition == "raised" ? 1 : 0))]
    for key in ["value", "threshold"] {
      if let number = record[key]?.double { fields.append((key, .number(number))) }
    }
    if let message = record["message"]?.text { fields.append(("message", .text(message))) }
    lines.point(
      "alarm",
      tags: [
        ("gateway", gateway), ("device", record["device"]?.text), ("class", record["class"]?.text),
        ("site", record["site"]?.text), ("rule", record["rule"]?.text), ("severity", record["severity"]?.text),
        ("metric", record["metric"]?.text),
      ], fields: fields, milliseconds: time.milliseconds)
  }

  /// `hw.temperature{disk=1,slot=2}` as its name and its labels.
  static func parts(of name: String) -> (metric: String, labels: [(String, String)]) {
    guard name.hasSuffix("}"), let open = name.firstIndex(of: "{"), open > name.startIndex else { return (name, []) }
    let labels = name[name.index(after: open)...].dropLast().split(separator: ",").map { pair in
      let key = pair.prefix { $0 != "=" }
      return (String(key), String(pair.dropFirst(key.count + 1)))
    }
    return (String(name[..<open]), labels)
  }
}
