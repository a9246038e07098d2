import Derive
import Journal
import MQTT
import Outbox
import Settings
import Telemetry
import Uplinks

/// Puts together what the gateway says of itself. Safe from any thread.
final class StatusBoard: Sendable {
  private let current: @Sendable () -> GatewaySettings
  private let started: Timestamp
  private let room: JournalRoom
  private let derive: DeriveRoom
  private let outbox: Outbox
  private let session: Session
  private let uplinks: UplinkSet
  private let gate: IngestGate
  private let incidents: IncidentLog

  init(
    settings: @escaping @Sendable () -> GatewaySettings, started: Timestamp, room: JournalRoom, derive: DeriveRoom,
    outbox: Outbox,
    session: Session, uplinks: UplinkSet, gate: IngestGate, incidents: IncidentLog
  ) {
    current = settings
    self.started = started
    self.room = room
    self.derive = derive
    self.outbox = outbox
    self.session = session
    self.uplinks = uplinks
    self.gate = gate
    self.incidents = incidents
  }

  private var settings: GatewaySettings { current() }

  func report() -> StatusReport {
    var report = StatusReport()
    let clock = ClockReading.now()
    report.gateway = settings.gatewayID
    report.version = gatewayVersion
    report.started = RFC3339.format(started)
    report.now = RFC3339.format(clock.wall)
    report.clock_synchronised = clock.synchronised
    report.clock_trusted = clock.synchronised || settings.trust == .always
    report.broker = broker()
    report.journal = room.status
    let snapshot = derive.current
    report.derive = StatusBoard.derive(snapshot, newest: report.journal.newest_segment)
    report.uplinks = uplinks.all.map(uplink)
    report.store.bytes = report.journal.bytes + outbox.bytesInUse + StoreFolder.otherBytes(settings.store.path)
    report.store.max_bytes = settings.store.maxSize.bytes
    report.store.raw_deleted_for_room = room.trimmedForRoom
    report.store.dropped_records = outbox.droppedRecords
    report.store.dead_letters = outbox.deadLetterCount
    report.active_alarms = snapshot.activeAlarms.map {
      StatusReport.Alarm(
        rule: $0.rule, device: $0.device, severity: $0.severity.rawValue, since: RFC3339.format($0.time),
        message: $0.message)
    }
    report.active_alarm_count = snapshot.activeAlarmCount
    report.store.refusal = refusal
    report.incidents = incidents.shown
    return report
  }

  /// Ready where messages are taken in and kept; the links out are nobody's condition.
  func health() -> (ready: Bool, reasons: [String]) {
    var reasons: [String] = []
    let status = session.status
    if status.state != .connected {
      let why = status.lastError.map { ": \($0)" } ?? ""
      reasons.append("broker \(settings.broker.url): \(status.state.rawValue)\(why)")
    }
    if let error = derive.current.error { reasons.append("derive: \(error)") }
    if let refusal { reasons.append(refusal) }
    return (reasons.isEmpty, reasons)
  }

  /// Why nothing is read; `nil` while messages are taken.
  private var refusal: String? {
    if let error = room.status.commit_error { return "journal: \(error)" }
    if gate.isClosed(by: .disk) { return "the disk is full; free space on the file system of \(settings.store.path)" }
    return gate.isClosed(by: .quota)
      ? "the store is full: max_size is reached with what must not go; the broker keeps what comes" : nil
  }

  private func broker() -> StatusReport.Broker {
    let status = session.status
    var broker = StatusReport.Broker()
    broker.state = status.state.rawValue
    broker.url = settings.broker.url
    broker.protocol_version = status.protocolVersion == .v5 ? 5 : 4
    broker.since = RFC3339.format(Timestamp(milliseconds: status.since.wall * 1000))
    broker.error = status.lastError.map { String(describing: $0) }
    broker.received = status.received
    broker.redelivered = status.redelivered
    broker.images = status.redacted
    broker.reconnects = status.reconnects
    broker.dropped_by_broker = status.brokerDropped
    return broker
  }

  private static func derive(_ snapshot: DeriveRoom.Snapshot, newest: Int64) -> StatusReport.Derive {
    var derive = StatusReport.Derive()
    derive.position = snapshot.position
    derive.lag_segments = max(0, newest - snapshot.position)
    derive.messages = snapshot.counts.messages
    derive.observations = snapshot.counts.observations
    derive.devices = Int64(snapshot.devices)
    derive.open_windows = Int64(snapshot.openWindows)
    derive.sealed_windows = snapshot.counts.sealed
    derive.revisions = snapshot.counts.revisions
    derive.quarantined = snapshot.counts.quarantined
    derive.partial = snapshot.counts.partial
    derive.too_late = snapshot.counts.tooLate
    derive.unrouted = snapshot.counts.unrouted
    derive.damaged_segments = snapshot.counts.damagedSegments
    derive.limit_hits = snapshot.counts.limitHits
    derive.rebirths_wanted = snapshot.counts.rebirthsWanted
    derive.last_quarantined = snapshot.quarantine.reversed()
    derive.error = snapshot.error
    return derive
  }

  private func uplink(_ uplink: Uplink) -> StatusReport.Uplink {
    let status = uplink.status
    var report = StatusReport.Uplink()
    report.name = status.name
    report.url = status.url
    report.state = status.state.rawValue
    report.delivered_records = status.deliveredRecords
    report.delivered_batches = status.deliveredBatches
    report.last_success = status.lastSuccess.map(RFC3339.format)
    report.error = status.error
    report.cure = status.cure
    report.held_back = status.heldBack
    report.wire_bytes = status.wireBytes
    report.link_bytes_per_second = status.linkRate
    report.budget_bytes = status.budget?.limit
    report.budget_left_bytes = status.budget?.left
    for backlog in (try? outbox.backlog(for: status.name)) ?? [] {
      report.backlog.append(
        StatusReport.LaneBacklog(
          lane: backlog.lane.rawValue, pending_records: backlog.records, pending_batches: backlog.batches))
      report.pending_records += backlog.records
    }
    return report
  }
}
