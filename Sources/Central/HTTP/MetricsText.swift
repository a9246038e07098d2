import Telemetry

/// Prometheus' text format.
struct MetricsText {
  private(set) var text = ""

  init(_ values: Counters.Values, contacts: [(gateway: String, time: Timestamp)]) {
    head("lumbung_central_requests_total", "counter", "Requests answered, by route and status.")
    for (key, count) in values.requests.sorted(by: { $0.key < $1.key }) {
      text += "lumbung_central_requests_total{route=\"\(key.route)\",status=\"\(key.status)\"} \(count)\n"
    }
    single("lumbung_central_records_applied_total", "Records whose numbers had not come before.", values.applied)
    single("lumbung_central_records_duplicate_total", "Records whose numbers had come before.", values.duplicates)
    single(
      "lumbung_central_records_conflicting_total", "Duplicates whose content differed from the first.",
      values.conflicts)
    head("lumbung_central_gateway_last_contact_seconds", "gauge", "When the gateway last delivered, Unix time.")
    for contact in contacts {
      // A gateway's name is of a-z, 0-9 and -: nothing to escape.
      text += "lumbung_central_gateway_last_contact_seconds{gateway=\"\(contact.gateway)\"} "
      text += "\(contact.time.milliseconds / 1000)\n"
    }
  }

  private mutating func single(_ name: String, _ help: String, _ value: Int) {
    head(name, "counter", help)
    text += "\(name) \(value)\n"
  }

  private mutating func head(_ name: String, _ type: String, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }
}
