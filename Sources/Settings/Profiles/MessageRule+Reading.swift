import Telemetry

extension MessageRule {
  private enum DuplicateKeys: String, CaseIterable {
    case first, refuse
  }

  init?(reading table: TableReader) {
    table.require("topic", example: "\"{device}/status\"")
    let topic = MessageRule.topic(table)
    let ignore = table.text("ignore", example: "pictures are not taken")
    let when = table.conditions("when")
    let drop = table.conditions("drop")
    let roots = table.pointers("root", example: "/Status")
    let each = table.each("each")
    let device = table.template("device", example: "{device}")
    let deviceClass = table.choice("class", DeviceClass.self)
    let times = table.times("time")
    let delta = table.boolean("delta") ?? false
    let duplicates = table.choice("duplicate_keys", DuplicateKeys.self)
    let captures = (topic?.captureNames ?? []) + MessageRule.captures(of: each ?? "")
    let metrics = table.tables("metric", title: "[[message.metric]]").compactMap {
      MetricRule(reading: $0, captures: captures)
    }
    if ignore == nil, !table.has("metric") {
      table.fault(
        "a [[message]] without a metric", hint: "add [[message.metric]], or say why with ignore = \"…\"")
    }
    table.checkTemplate("device", device, captures: captures)
    table.checkConditions("when", when, captures: captures)
    table.checkConditions("drop", drop, captures: captures)
    table.finish()
    guard let topic else { return nil }
    self.init(
      topic: topic, ignore: ignore, when: when, drop: drop, roots: roots ?? [], each: each, device: device,
      deviceClass: deviceClass, times: times, delta: delta, refusesDuplicateKeys: duplicates == .refuse,
      metrics: metrics)
  }

  private static func topic(_ table: TableReader) -> TopicTail? {
    guard let text = table.string("topic", example: "{device}/status") else { return nil }
    do throws(TopicTail.Fault) {
      return try TopicTail(text)
    } catch {
      table.fault("`topic` in \(table.title): \(error)", at: "topic", hint: "for example \"{device}/{component}:{id}\"")
      return nil
    }
  }
}
