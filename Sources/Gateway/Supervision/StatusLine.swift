import Telemetry

/// What `systemctl status` says of the gateway: one line, the worst first.
enum StatusLine {
  static func render(_ report: StatusReport) -> String {
    var parts: [String] = []
    if let refusal = report.store.refusal { parts.append("NOTHING IS READ: \(refusal)") }
    let broker = report.broker
    parts.append(
      broker.state == "connected"
        ? "broker connected" : "broker \(broker.state)" + (broker.error.map { " (\($0))" } ?? ""))
    if let error = report.derive.error { parts.append("derive: \(error)") }
    for uplink in report.uplinks {
      var text = "\(uplink.name) \(uplink.state)"
      if uplink.pending_records > 0 { text += ", \(uplink.pending_records) records wait" }
      if let error = uplink.error { text += " (\(error))" }
      parts.append(text)
    }
    parts.append("\(report.derive.devices) devices")
    if report.active_alarm_count > 0 { parts.append("\(report.active_alarm_count) alarms") }
    if !report.clock_trusted { parts.append("clock not synchronised") }
    return parts.joined(separator: "; ")
  }
}
