import Telemetry

/// The JSON of the answers.
enum ReportJSON {
  static func receipt(_ receipt: Receipt) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.field("accepted", receipt.accepted)
      json.field("duplicates", receipt.duplicates)
      if receipt.conflicts > 0 { json.field("conflicts", receipt.conflicts) }
    }
    return json.bytes
  }

  static func gateways(_ page: Page<GatewayReport>) -> [UInt8] {
    list("gateways", page) { json, report in
      json.object { json in
        json.field("gateway", report.gateway)
        json.field("first_contact", report.firstContact)
        json.field("last_contact", report.lastContact)
        if let backlog = report.backlog {
          json.field("backlog_records", backlog)
        } else {
          json.null("backlog_records")
        }
        json.field("batches", report.counts.batches)
        json.field("records", report.counts.records)
        json.field("duplicates", report.counts.duplicates)
        json.field("conflicts", report.counts.conflicts)
        json.field("summaries", report.counts.summaries)
        json.field("alarms", report.counts.alarms)
        json.field("dropped", report.counts.dropped)
        json.field("refused", report.counts.refused)
        json.field("missing", report.numberings.reduce(0) { $0 + $1.missingCount })
        json.array("lanes") { json in
          for numbering in report.numberings { ReportJSON.numbering(numbering, &json) }
        }
        if let status = report.status {
          json.field("status", json: status.utf8)
        } else {
          json.null("status")
        }
      }
    }
  }

  private static func numbering(_ numbering: GatewayReport.Numbering, _ json: inout JSONWriter) {
    json.object { json in
      json.field("epoch", numbering.epoch)
      json.field("generation", numbering.generation)
      json.field("lane", numbering.lane)
      if !numbering.stream.isEmpty { json.field("stream", numbering.stream) }
      json.field("highest", numbering.highest)
      json.field("missing_count", numbering.missingCount)
      json.array("missing") { json in
        for hole in numbering.missing { json.element(json: "[\(hole.lowerBound),\(hole.upperBound)]".utf8) }
      }
    }
  }

  static func summaries(_ page: Page<StoredSummary>) -> [UInt8] {
    list("summaries", page) { json, summary in
      json.object { json in
        json.field("gateway", summary.gateway)
        json.field("epoch", summary.epoch)
        json.field("generation", summary.generation)
        members(of: summary.record, but: ["gateway", "epoch", "generation"], &json)
      }
    }
  }

  static func alarms(_ page: Page<StoredAlarm>) -> [UInt8] {
    list("alarms", page) { json, alarm in
      json.object { json in
        json.field("gateway", alarm.gateway)
        json.field("epoch", alarm.epoch)
        json.field("generation", alarm.generation)
        json.field("active", alarm.isActive)
        for (name, record) in [("raised", alarm.raised), ("cleared", alarm.cleared)] {
          if let record, let time = member("time", of: record) {
            json.field(name, json: time)
          } else {
            json.null(name)
          }
        }
        let ours: Set<String> = [
          "gateway", "epoch", "generation", "active", "raised", "cleared", "seq", "type", "transition", "time",
        ]
        members(of: alarm.raised ?? alarm.cleared ?? "{}", but: ours, &json)
      }
    }
  }

  private static func list<Item>(
    _ name: String, _ page: Page<Item>, _ write: (inout JSONWriter, Item) -> Void
  ) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.array(name) { json in
        for item in page.items { write(&json, item) }
      }
      if let next = page.next { json.field("next", next.text) } else { json.null("next") }
    }
    return json.bytes
  }

  /// Copies a stored record's members as they came, each key once.
  private static func members(of record: String, but excluded: Set<String>, _ json: inout JSONWriter) {
    let bytes = Array(record.utf8)
    var seen = excluded
    var found: [(String, ArraySlice<UInt8>)] = []
    var scanner = JSONScanner(bytes)
    try? scanner.object { key, value in
      if let name = JSONText.string(bytes, key), seen.insert(name).inserted { found.append((name, bytes[value])) }
    }
    for (name, value) in found { json.field(name, json: value) }
  }

  private static func member(_ name: String, of record: String) -> ArraySlice<UInt8>? {
    let bytes = Array(record.utf8)
    var found: ArraySlice<UInt8>?
    var scanner = JSONScanner(bytes)
    try? scanner.object { key, value in
      if found == nil, JSONText.string(bytes, key) == name { found = bytes[value] }
    }
    return found
  }
}

extension JSONWriter {
  fileprivate mutating func null(_ key: String) { field(key, json: "null".utf8) }
}
