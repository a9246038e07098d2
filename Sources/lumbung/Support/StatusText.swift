import Telemetry

/// A status report for people.
enum StatusText {
  static func render(_ report: StatusReport) -> String {
    var lines: [String] = []
    func line(_ name: String, _ text: String) {
      lines.append(name + String(repeating: " ", count: max(1, 11 - name.count)) + text)
    }
    line("gateway", "\(report.gateway), lumbung \(report.version), running since \(report.started)")
    if !report.clock_trusted { line("clock", "not synchronised: times are marked untrusted (see timedatectl)") }
    let broker = report.broker
    line("broker", "\(broker.state) (\(broker.url), MQTT \(broker.protocol_version == 5 ? "5" : "3.1.1"))")
    if let error = broker.error { line("", error) }
    line(
      "", "\(broker.received) messages received, \(broker.redelivered) of them again, \(broker.reconnects) reconnects")
    if let dropped = broker.dropped_by_broker, dropped > 0 {
      line("", "the broker says it dropped \(dropped): raise its max_queued_messages")
    }
    line(
      "journal",
      "\(report.journal.messages) messages, \(ByteSize(bytes: report.journal.bytes)), segments "
        + "\(report.journal.oldest_segment) to \(report.journal.newest_segment)")
    if let error = report.journal.commit_error { line("", error) }
    let derive = report.derive
    line(
      "derive",
      "\(derive.observations) readings of \(derive.devices) devices, \(derive.sealed_windows) windows sealed, "
        + "\(derive.revisions) revised, \(derive.lag_segments) segments behind")
    line(
      "",
      "\(derive.quarantined) quarantined, \(derive.partial) partial, \(derive.too_late) too late, "
        + "\(derive.unrouted) without a source")
    for entry in derive.last_quarantined.prefix(5) { line("", "  \(entry.topic): \(entry.reason)") }
    if let error = derive.error { line("", error) }
    for uplink in report.uplinks {
      line(
        "uplink",
        "\(uplink.name): \(uplink.state), \(uplink.delivered_records) records delivered, "
          + "\(uplink.pending_records) waiting" + (uplink.last_success.map { ", last success \($0)" } ?? ""))
      if let left = uplink.budget_left_bytes, let whole = uplink.budget_bytes {
        line("", "\(ByteSize(bytes: left)) of this month's \(ByteSize(bytes: whole)) left")
      }
      if let held = uplink.held_back { line("", held) }
      if let error = uplink.error { line("", error) }
      if let cure = uplink.cure { line("", cure) }
    }
    line(
      "store",
      "\(ByteSize(bytes: report.store.bytes)) of \(ByteSize(bytes: report.store.max_bytes)), "
        + "\(report.store.dropped_records) records dropped, \(report.store.dead_letters) dead letters")
    if let refusal = report.store.refusal { line("", "nothing is read from the broker: \(refusal)") }
    for incident in report.incidents.prefix(5) {
      line("incident", "\(incident.time) \(incident.what): \(incident.reason)")
      if let aside = incident.set_aside { line("", "the damaged file is \(aside); delete it once it was looked at") }
      if let salvaged = incident.salvaged {
        line("", "\(salvaged) \(incident.what.hasPrefix("outbox") ? "batches" : "segments") were saved")
      }
      if let gaps = incident.gaps { line("", "lost: segments \(gaps)") }
    }
    line("alarms", "\(report.active_alarm_count) active")
    for alarm in report.active_alarms.prefix(10) {
      line("", "\(alarm.severity) since \(alarm.since): \(alarm.message) (\(alarm.rule))")
    }
    return lines.joined(separator: "\n")
  }
}
