import Outbox
import Telemetry

extension StatusReport.Incident {
  /// What opening the outbox found; `nil` where all was well.
  init?(_ report: OpenReport, journal: String, generation: Int) {
    guard let reason = report.reason else { return nil }
    self.init(
      "outbox-damaged", about: [journal, "\(generation)"], reason: reason, setAside: report.setAside,
      salvaged: Int64(report.salvagedBatches))
  }
}
