import Journal
import Telemetry
import Threads

extension StatusReport.Incident {
  /// - Parameter about: what it is about: the same thing gives the same incident, whoever meets it again.
  init(
    _ what: String, about: [String], reason: String, setAside: String? = nil, salvaged: Int64? = nil,
    gaps: String? = nil
  ) {
    self.init(
      id: NamedUUID.make(["incident", what] + about), time: RFC3339.format(SystemClock.wall), what: what,
      reason: reason, set_aside: setAside, salvaged: salvaged, gaps: gaps)
  }

  /// What opening the journal found; `nil` where all was well.
  init?(_ report: OpenReport, journal: String) {
    guard let reason = report.reason else { return nil }
    let gaps = report.gaps.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
    // Every set-aside file has a name of its own; a repair has only its moment.
    let about = report.setAside ?? RFC3339.format(SystemClock.wall)
    self.init(
      report.outcome == .repaired ? "journal-repaired" : "journal-damaged", about: [journal, about], reason: reason,
      setAside: report.setAside, salvaged: Int64(report.salvagedSegments),
      gaps: gaps.isEmpty ? nil : gaps.joined(separator: " "))
  }

  static func damagedSegment(_ id: Int64, _ reason: String, journal: String) -> Self {
    Self(
      "segment-damaged", about: [journal, "\(id)"], reason: "segment \(id) can't be read back: \(reason)",
      gaps: "\(id)")
  }

  /// Segments that were derived and are not there any more.
  static func missingSegments(_ ids: ClosedRange<Int64>, journal: String) -> Self {
    Self(
      "journal-shortened", about: [journal, "\(ids)"],
      reason: "its end is missing: it was cut off, or an older copy was put back; what was derived of it stays",
      gaps: ids.count == 1 ? "\(ids.lowerBound)" : "\(ids.lowerBound)-\(ids.upperBound)")
  }

  /// A line for people.
  var text: String {
    var text = "\(what): \(reason)"
    if let set_aside { text += "; set aside as \(set_aside)" }
    if let salvaged { text += "; \(salvaged) \(what.hasPrefix("outbox") ? "batches" : "segments") saved" }
    if let gaps { text += "; lost: segments \(gaps)" }
    return text
  }

  /// What goes to the central servers. An incident has the same id whenever it is told.
  var record: [UInt8] {
    var writer = JSONWriter()
    writer.object { json in
      json.field("type", "incident")
      json.field("id", id)
      json.field("time", time)
      json.field("what", what)
      json.field("reason", reason)
      if let set_aside { json.field("set_aside", set_aside) }
      if let salvaged { json.field("salvaged", salvaged) }
      if let gaps { json.field("gaps", gaps) }
    }
    return writer.bytes
  }
}
