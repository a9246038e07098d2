import Telemetry

/// A profile that uses every part of the mapping language.
enum FuzzProfile {
  struct Unreadable: Error {}

  static func make() throws -> Profile {
    func template(_ text: String) throws -> Template {
      guard let template = Template(text) else { throw Unreadable() }
      return template
    }
    let device = try template("{thing}")
    return Profile(
      name: "fuzz", device: device, bridge: try template("{prefix}"),
      messages: [
        MessageRule(
          topic: try TopicTail("{thing}/one"), roots: ["/Status", ""],
          metrics: [
            MetricRule(
              name: try template("a"), unit: "dBm", paths: ["/a", "/b/0"], none: ["-"], scale: 0.01, log10: true),
            MetricRule(name: try template("{/name}"), kind: nil, paths: ["/v", ""]),
          ]),
        MessageRule(
          topic: try TopicTail("{thing}/each"), each: "/{key}/{index}",
          metrics: [
            MetricRule(
              name: try template("m"), kind: .state, paths: [""], each: "/{n}",
              labels: [MetricRule.Label("n", try template("{n}"))])
          ]),
        MessageRule(
          topic: try TopicTail("{thing}/split"),
          metrics: [
            MetricRule(name: try template("s"), unit: "dBm", paths: ["/s", ""], split: ", "),
            MetricRule(name: try template("t"), kind: .state, paths: ["/t"], tokens: " "),
          ]),
        MessageRule(
          topic: try TopicTail("{thing}/when"),
          metrics: [MetricRule(name: try template("e"), kind: .event, paths: ["/e", "/x/@y", "/x/#text"])]),
      ])
  }
}
