import Telemetry

/// A discovery for people and for programs.
public struct DiscoveryReport {
  private let found: Discovery
  private let broker: String
  private let duration: Span

  /// A screen has no more; `--json` has all.
  private static let devicesShown = 100
  private static let topicsShown = 10

  /// - Parameters:
  ///   - broker: as it is shown.
  ///   - duration: how long was listened.
  public init(_ found: Discovery, broker: String, duration: Span) {
    self.found = found
    self.broker = broker
    self.duration = duration
  }

  // MARK: - For people

  /// Everything but the proposal.
  public var text: String {
    let survey = found.survey
    var lines = [
      "\(count(survey.messages, "message")) on \(count(survey.topics.count, "topic")) in \(seconds) s at \(broker)"
    ]
    if survey.messages == 0 { return (lines + nothing).joined(separator: "\n") }
    lines += limits
    lines.append("")
    lines += table
    lines += leftover
    lines.append("")
    lines.append(verdict)
    for name in found.absentProfiles {
      lines.append(
        "The profile \(name) would fit and isn't installed: copy Config/profiles to /usr/share/lumbung/profiles")
    }
    return lines.joined(separator: "\n")
  }

  private var seconds: String {
    let tenths = Int((duration.seconds * 10).rounded())
    return duration >= .seconds(10) ? "\(Int(duration.seconds.rounded()))" : "\(tenths / 10).\(tenths % 10)"
  }

  private var nothing: [String] {
    [
      "Nothing was heard. What helps:",
      "  - listen longer than the devices' interval: --for 5m",
      "  - are the devices set to this broker's address? Its log tells who connects",
      "  - may this user read #? With access rules (acl_file) a broker keeps silent what it may not tell;",
      "    --config FILE listens as the gateway's user",
    ]
  }

  private var limits: [String] {
    let survey = found.survey
    var lines: [String] = []
    if survey.beyond > 0 {
      lines.append(
        "There are more than \(survey.limits.topics) topics: \(count(survey.beyond, "message")) on others were not looked at"
      )
    }
    if survey.unusable > 0 {
      lines.append(
        "\(count(survey.unusable, "message")) on topics that are too long, too deep or no UTF-8 were left out")
    }
    if survey.unkept > 0 { lines.append("\(count(survey.unkept, "payload")) found no room and were not looked at") }
    return lines
  }

  private var table: [String] {
    let devices = found.trial.devices
    guard !devices.isEmpty else { return ["No device was understood."] }
    let known = Set(found.existing)
    var rows = [["DEVICE", "CLASS", "FORMAT", "PER MINUTE", "SAMPLE"]]
    if !known.isEmpty { rows[0].insert("", at: 0) }
    for device in devices.prefix(DiscoveryReport.devicesShown) {
      var row = [
        Printable.text(device.name, limit: 40), device.deviceClass.rawValue, device.format, rate(device),
        DiscoveryReport.sample(device.sample),
      ]
      if !known.isEmpty { row.insert(known.contains(device.source) ? "" : "new", at: 0) }
      rows.append(row)
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    var lines = rows.map { row in
      let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
    let more = devices.count - DiscoveryReport.devicesShown
    if more > 0 { lines.append("and \(more) more: --json lists all") }
    return lines
  }

  private func rate(_ device: Trial.Found) -> String {
    guard device.live > 0, duration > .zero else { return "retained only" }
    let tenths = Int((Double(device.live) * 600 / duration.seconds).rounded())
    return tenths >= 1000 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }

  private static func sample(_ observation: Observation) -> String {
    let value: String
    switch observation.value {
    case .number(let number):
      var bytes: [UInt8] = []
      JSONWriter.append(number, to: &bytes)
      value = String(decoding: bytes, as: UTF8.self)
    case .state(let state): value = Printable.text(state, limit: 24)
    case .event(let count, _): value = "\(count)"
    }
    let unit = observation.series.unit == "1" ? "" : " " + Printable.text(observation.series.unit, limit: 12)
    return "\(Printable.text(observation.series.key, limit: 48)) = \(value)\(unit)"
  }

  /// Topics of which nothing was read, with why.
  private var unread: [(topic: HeardTopic, why: String)] {
    zip(found.survey.topics, found.trial.topics).compactMap { topic, trial in
      switch trial.result {
      case .decoded, .ignored: nil
      case .refused: (topic, trial.fault ?? "can't be read")
      case .silent: (topic, DiscoveryReport.silence(topic))
      case .unrouted:
        (topic, topic.samples.isEmpty ? DiscoveryReport.silence(topic) : "neither a format nor JSON nor a value")
      }
    }
  }

  private static func silence(_ topic: HeardTopic) -> String {
    if topic.binary > 0 { return "images or other binary data" }
    return topic.oversized > 0 ? "too large to be a reading" : "only empty payloads"
  }

  private var leftover: [String] {
    let unread = unread
    guard !unread.isEmpty else { return [] }
    var lines = ["", "Not read:"]
    for (topic, why) in unread.prefix(DiscoveryReport.topicsShown) {
      lines.append("  \(Printable.text(topic.topic, limit: 60)): \(Printable.text(why, limit: 120))")
    }
    let more = unread.count - DiscoveryReport.topicsShown
    if more > 0 { lines.append("  and \(more) more") }
    return lines
  }

  private var verdict: String {
    let trial = found.trial
    let base = found.existing.isEmpty ? "With the proposal" : "With the configuration and the proposal"
    return "\(base), samples of \(trial.count(.decoded)) of \(trial.topics.count) topics are read as "
      + "\(count(trial.devices.count, "device")); \(trial.count(.ignored)) bear no readings; "
      + "\(trial.topics.count - trial.count(.decoded) - trial.count(.ignored)) can't be read"
  }

  private func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

  // MARK: - For programs

  public func write(to writer: inout JSONWriter) {
    let survey = found.survey
    let known = Set(found.existing)
    writer.object { json in
      json.field("broker", broker)
      json.field("seconds", duration.seconds)
      json.field("messages", survey.messages)
      json.field("topics", survey.topics.count)
      json.field("messages_beyond_limit", survey.beyond)
      json.field("messages_unusable", survey.unusable)
      json.field("payloads_not_kept", survey.unkept)
      json.object("read") { read in
        read.field("decoded", found.trial.count(.decoded))
        read.field("ignored", found.trial.count(.ignored))
        read.field("refused", found.trial.count(.refused))
        read.field("silent", found.trial.count(.silent))
        read.field("unrouted", found.trial.count(.unrouted))
      }
      json.array("devices") { list in
        for device in found.trial.devices {
          list.element(json: DiscoveryReport.json(device, isNew: !known.contains(device.source)))
        }
      }
      json.array("sources") { list in
        for source in found.sources { list.element(json: encoded(source)) }
      }
      json.array("not_read") { list in
        for (topic, why) in unread {
          var one = JSONWriter()
          one.object {
            $0.field("topic", topic.topic)
            $0.field("why", why)
          }
          list.element(json: one.bytes)
        }
      }
      json.array("absent_profiles") { list in for name in found.absentProfiles { list.element(name) } }
      json.field("toml", found.text)
    }
  }

  private static func json(_ device: Trial.Found, isNew: Bool) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { json in
      json.field("device", device.name)
      json.field("class", device.deviceClass.rawValue)
      if let site = device.site { json.field("site", site) }
      json.field("source", device.source)
      json.field("format", device.format)
      json.field("new", isNew)
      json.field("messages", device.messages)
      json.field("live", device.live)
      var sample = JSONWriter()
      device.sample.write(to: &sample)
      json.field("sample", json: sample.bytes)
    }
    return writer.bytes
  }

  private func encoded(_ source: ProposedSource) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { json in
      json.field("name", source.name)
      json.field("topic", source.topic)
      json.field("format", source.format)
      json.field("topics", source.topics.count)
      json.field("decoded", source.topics.count { found.trial.topics[$0].result == .decoded })
      if let interval = source.interval { json.field("interval", "\(interval)") }
      json.array("reasons") { list in for note in source.notes { list.element(note) } }
      json.array("doubts") { list in for doubt in source.doubts { list.element(doubt) } }
    }
    return writer.bytes
  }
}
