import Telemetry

/// The report as Prometheus reads it. Few series, whatever the number of devices.
enum PrometheusText {
  static func render(_ report: StatusReport) -> String {
    var text = ""
    func metric(_ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: Double)]) {
      text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
      for sample in samples { text += "\(name)\(sample.labels) \(sample.value)\n" }
    }
    func counter(_ name: String, _ help: String, _ value: Int64) {
      metric(name, "counter", help, [("", Double(value))])
    }
    func gauge(_ name: String, _ help: String, _ value: Int64) {
      metric(name, "gauge", help, [("", Double(value))])
    }

    gauge("lumbung_broker_connected", "Whether the broker session stands.", report.broker.state == "connected" ? 1 : 0)
    counter("lumbung_broker_received_messages_total", "Messages read from the broker.", report.broker.received)
    counter(
      "lumbung_broker_redelivered_messages_total", "Messages that were committed before and are not stored again.",
      report.broker.redelivered)
    counter(
      "lumbung_broker_image_messages_total", "Messages with an image, of which only size and hash are kept.",
      report.broker.images)
    counter("lumbung_broker_reconnects_total", "Connections made after the first.", report.broker.reconnects)
    if let dropped = report.broker.dropped_by_broker {
      gauge("lumbung_broker_dropped_messages", "Messages that the broker says it dropped since it started.", dropped)
    }
    gauge("lumbung_journal_bytes", "Bytes that the journal takes.", report.journal.bytes)
    gauge("lumbung_journal_messages", "Messages in the journal.", report.journal.messages)
    counter("lumbung_journal_commits_total", "Segments written.", report.journal.commits)
    gauge("lumbung_derive_lag_segments", "Segments not derived yet.", report.derive.lag_segments)
    counter("lumbung_derive_messages_total", "Messages derived.", report.derive.messages)
    counter("lumbung_derive_observations_total", "Readings decoded.", report.derive.observations)
    counter("lumbung_derive_quarantined_messages_total", "Messages that can't be decoded.", report.derive.quarantined)
    counter("lumbung_derive_partial_messages_total", "Messages decoded in part.", report.derive.partial)
    counter("lumbung_derive_too_late_observations_total", "Readings older than lateness.", report.derive.too_late)
    counter("lumbung_derive_unrouted_messages_total", "Messages that no source takes.", report.derive.unrouted)
    metric(
      "lumbung_derive_limit_hits_total", "counter", "Messages that went beyond a limit of [limits].",
      report.derive.limit_hits.sorted { $0.key < $1.key }.map { ("{limit=\"\($0.key)\"}", Double($0.value)) })
    counter(
      "lumbung_derive_rebirths_wanted_total", "Sparkplug messages that need another birth.",
      report.derive.rebirths_wanted)
    counter("lumbung_derive_sealed_windows_total", "Windows sealed, one for each device.", report.derive.sealed_windows)
    counter("lumbung_derive_revisions_total", "Windows sent again because of late readings.", report.derive.revisions)
    gauge("lumbung_derive_devices", "Devices known.", report.derive.devices)
    gauge("lumbung_alarms_active", "Alarms raised and not cleared.", Int64(report.active_alarm_count))
    gauge("lumbung_store_bytes", "Bytes that journal and outbox take.", report.store.bytes)
    gauge("lumbung_store_max_bytes", "The most that they may take.", report.store.max_bytes)
    counter("lumbung_outbox_dropped_records_total", "Records dropped for want of room.", report.store.dropped_records)
    gauge("lumbung_outbox_dead_letters", "Records that a destination refused.", report.store.dead_letters)
    let uplinks = report.uplinks.map { (label: "{uplink=\"\(escaped($0.name))\"}", uplink: $0) }
    metric(
      "lumbung_uplink_delivered_records_total", "counter", "Records that the destination has acknowledged.",
      uplinks.map { ($0.label, Double($0.uplink.delivered_records)) })
    metric(
      "lumbung_uplink_pending_records", "gauge", "Records not yet delivered.",
      uplinks.map { ($0.label, Double($0.uplink.pending_records)) })
    metric(
      "lumbung_uplink_failing", "gauge", "Whether the last try failed.",
      uplinks.map { ($0.label, $0.uplink.error == nil ? 0 : 1) })
    return text
  }

  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
