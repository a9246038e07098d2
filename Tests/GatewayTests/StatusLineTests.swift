import Telemetry
import Testing

@testable import Gateway

@Suite("The line that systemctl status shows")
struct StatusLineTests {
  private func report() -> StatusReport {
    var report = StatusReport()
    report.broker.state = "connected"
    report.clock_trusted = true
    report.derive.devices = 512
    var uplink = StatusReport.Uplink()
    uplink.name = "central"
    report.uplinks = [uplink]
    return report
  }

  @Test("all is well, in a few words")
  func well() { #expect(StatusLine.render(report()) == "broker connected; central idle; 512 devices") }

  @Test("what is wrong is said with its reason, the worst first")
  func wrong() {
    var report = report()
    report.store.refusal = "the disk is full"
    report.broker.state = "waiting"
    report.broker.error = "refused"
    report.uplinks[0].state = "waiting"
    report.uplinks[0].pending_records = 7
    report.uplinks[0].error = "no route"
    report.active_alarm_count = 3
    report.clock_trusted = false
    #expect(
      StatusLine.render(report)
        == "NOTHING IS READ: the disk is full; broker waiting (refused); central waiting, 7 records wait (no route); "
        + "512 devices; 3 alarms; clock not synchronised")
  }
}
