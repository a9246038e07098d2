import Journal
import Outbox
import SQLite
import Synchronization
import Telemetry
import Threads

/// What happened to the store: damage that was found, what was set aside, what could be saved.
///
/// Each incident goes to the log at once, and to the central servers as a record of the `status` lane. It is kept in
/// `outbox.db`, written in the transaction that appends its record, so that it is told once however often it is met
/// again: its id comes of what it is about. Safe from any thread.
final class IncidentLog: Sendable {
  typealias Incident = StatusReport.Incident

  private struct State {
    /// Oldest first.
    var known: [Incident] = []
    /// Not yet in the outbox.
    var waiting: [Incident] = []
  }

  /// So many are kept and shown.
  static let kept = 20

  static let schema = [
    """
    CREATE TABLE IF NOT EXISTS gateway_incident(
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, time TEXT NOT NULL, what TEXT NOT NULL,
      reason TEXT NOT NULL, set_aside TEXT, salvaged INTEGER, gaps TEXT)
    """
  ]

  private let state = Mutex(State())
  private let log: @Sendable (String) -> Void

  /// - Parameter log: a line for each incident, of the priority of an error.
  init(log: @escaping @Sendable (String) -> Void) { self.log = log }

  /// The latest, newest first.
  var shown: [Incident] { state.withLock { $0.known.reversed() } }

  func note(_ incident: Incident) {
    let isNews = state.withLock { state in
      guard !state.known.contains(where: { $0.id == incident.id }) else { return false }
      state.known = (state.known + [incident]).suffix(IncidentLog.kept)
      // What a broken disk brings forth by the thousand is told by its newest.
      state.waiting = (state.waiting + [incident]).suffix(IncidentLog.kept)
      return true
    }
    if isNews { log(incident.text) }
  }

  /// Takes up what earlier processes kept.
  func load(_ outbox: Outbox) throws {
    let kept = try outbox.transaction { transaction in
      let row = try transaction.database.statement(
        """
        SELECT id, time, what, reason, set_aside, salvaged, gaps FROM gateway_incident
        ORDER BY number DESC LIMIT \(IncidentLog.kept)
        """)
      defer { row.reset() }
      var kept: [Incident] = []
      while try row.step() {
        kept.append(
          Incident(
            id: row.text(0), time: row.text(1), what: row.text(2), reason: row.text(3), set_aside: row.optionalText(4),
            salvaged: row.isNull(5) ? nil : row.integer(5), gaps: row.optionalText(6)))
      }
      return kept
    }
    state.withLock { state in
      let fresh = state.known.filter { incident in !kept.contains { $0.id == incident.id } }
      state.known = (kept.reversed() + fresh).suffix(IncidentLog.kept)
    }
  }

  /// Writes what waits; where that fails it waits on.
  func tell(_ outbox: Outbox) throws {
    let waiting = state.withLock { $0.waiting }
    guard !waiting.isEmpty else { return }
    try outbox.transaction { transaction in
      let database = transaction.database
      for incident in waiting {
        try database.statement(
          """
          INSERT OR IGNORE INTO gateway_incident(id, time, what, reason, set_aside, salvaged, gaps)
          VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)
          """
        ).bind(incident).run()
        if database.changes > 0 { transaction.append(.status, incident.record) }
      }
      try database.execute(
        "DELETE FROM gateway_incident WHERE number <= (SELECT max(number) FROM gateway_incident) - \(IncidentLog.kept)")
    }
    state.withLock { state in state.waiting.removeAll { waiting.contains($0) } }
  }
}

extension Statement {
  fileprivate func bind(_ incident: StatusReport.Incident) -> Statement {
    bind(1, incident.id).bind(2, incident.time).bind(3, incident.what).bind(4, incident.reason)
      .bind(5, incident.set_aside).bind(7, incident.gaps)
    if let salvaged = incident.salvaged { bind(6, salvaged) }
    return self
  }
}
