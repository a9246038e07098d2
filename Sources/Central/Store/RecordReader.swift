import SQLite
import Telemetry

/// Answers questions from a read-only connection, on the reader's thread.
///
/// Each question reads one state of the file, and is short: a reader that stays open keeps the WAL from being reset.
final class RecordReader {
  /// A metric is looked for inside the records. So many are opened for one page at most; where they are used up, the
  /// page is short and says where the next one begins.
  private static let maximumScan = 20_000
  /// A page is at most this large, and says where the next one begins.
  private static let maximumPageSize = 8 << 20

  private let database: Database

  init(path: String) throws { database = try Database(path: path, mode: .reader) }

  func contacts(limit: Int) throws -> [(gateway: String, time: Timestamp)] {
    let select = try database.statement(
      "SELECT name, last_contact FROM gateways ORDER BY last_contact DESC LIMIT ?1")
    select.bind(1, limit)
    defer { select.reset() }
    var contacts: [(gateway: String, time: Timestamp)] = []
    while try select.step() { contacts.append((select.text(0), Timestamp(nanoseconds: select.integer(1)))) }
    return contacts
  }

  func alarms(_ query: AlarmQuery) throws -> Page<StoredAlarm> {
    var terms = Terms()
    terms.add("a.gateway = ", query.gateway)
    terms.add("a.device = ", query.device)
    switch query.isActive {
    case true: terms.add("a.raised IS NOT NULL AND a.cleared IS NULL")
    case false: terms.add("(a.raised IS NULL OR a.cleared IS NOT NULL)")
    default: break
    }
    if let cursor = query.cursor {
      terms.add("(a.latest, a.id) < ", [.integer(cursor.integer(0) ?? 0), .text(cursor.fields.last ?? "")])
    }
    let limit = terms.place(.integer(Int64(query.limit + 1)))
    let select = try database.statement(
      """
      SELECT a.id, a.gateway, e.epoch, a.generation, a.raised, a.cleared, a.latest FROM alarms a
      JOIN epochs e ON e.id = a.epoch \(terms.clause) ORDER BY a.latest DESC, a.id DESC LIMIT \(limit)
      """)
    terms.bind(to: select)
    defer { select.reset() }
    var page = Page<StoredAlarm>(items: [], next: nil)
    var last = Cursor([])
    var size = 0
    while try select.step() {
      if page.items.count == query.limit || size > RecordReader.maximumPageSize {
        page.next = last
        break
      }
      let alarm = StoredAlarm(
        id: select.text(0), gateway: select.text(1), epoch: select.text(2), generation: select.integer(3),
        raised: select.optionalText(4), cleared: select.optionalText(5))
      size += (alarm.raised?.utf8.count ?? 0) + (alarm.cleared?.utf8.count ?? 0)
      page.items.append(alarm)
      last = Cursor([String(select.integer(6)), alarm.id])
    }
    return page
  }

  func summaries(_ query: SummaryQuery) throws -> Page<StoredSummary> {
    var terms = Terms()
    terms.add("s.gateway = ", query.gateway)
    if let device = query.device {
      terms.add("s.kind = 0")
      terms.add("s.subject = ", device)
    }
    if let from = query.from { terms.add("s.start >= ", [.integer(from.nanoseconds)]) }
    if let to = query.to { terms.add("s.start < ", [.integer(to.nanoseconds)]) }
    if !query.includesVoid { terms.add("s.void = 0") }
    let direction = query.isDescending ? "DESC" : "ASC"
    if let cursor = query.cursor, cursor.fields.count == 6 {
      terms.add(
        "(s.start, s.gateway, s.subject, s.end, s.epoch, s.kind) \(query.isDescending ? "<" : ">") ",
        [
          .integer(cursor.integer(0) ?? 0), .text(cursor.fields[1]), .text(cursor.fields[2]),
          .integer(cursor.integer(3) ?? 0), .integer(cursor.integer(4) ?? 0), .integer(cursor.integer(5) ?? 0),
        ])
    }
    let scan = query.metric == nil ? query.limit : RecordReader.maximumScan
    let limit = terms.place(.integer(Int64(scan + 1)))
    let order = ["start", "gateway", "subject", "end", "epoch", "kind"].map { "s.\($0) \(direction)" }
    let select = try database.statement(
      """
      SELECT s.gateway, e.epoch, s.generation, s.record, s.start, s.subject, s.end, s.epoch, s.kind FROM summaries s
      JOIN epochs e ON e.id = s.epoch \(terms.clause) ORDER BY \(order.joined(separator: ", "))
      LIMIT \(limit)
      """)
    terms.bind(to: select)
    defer { select.reset() }
    var page = Page<StoredSummary>(items: [], next: nil)
    var last = Cursor([])
    var scanned = 0
    var size = 0
    while try select.step() {
      let isFull = page.items.count == query.limit || size > RecordReader.maximumPageSize
      if isFull || scanned == RecordReader.maximumScan {
        page.next = last
        break
      }
      scanned += 1
      last = Cursor([
        String(select.integer(4)), select.text(0), select.text(5), String(select.integer(6)),
        String(select.integer(7)), String(select.integer(8)),
      ])
      var record = select.text(3)
      if let metric = query.metric {
        guard let filtered = MetricFilter(metric).apply(record) else { continue }
        record = filtered
      }
      size += record.utf8.count
      page.items.append(
        StoredSummary(
          gateway: select.text(0), epoch: select.text(1), generation: select.integer(2), record: record))
    }
    return page
  }

  func gateways(_ query: GatewayQuery) throws -> Page<GatewayReport> {
    try database.snapshot {
      var terms = Terms()
      terms.add("name = ", query.gateway)
      terms.add("name > ", query.cursor?.fields.first)
      let limit = terms.place(.integer(Int64(query.limit + 1)))
      let select = try database.statement(
        """
        SELECT id, name, first_contact, last_contact, batches, records, duplicates, conflicts, summaries, alarms,
          dropped, refused FROM gateways \(terms.clause) ORDER BY name LIMIT \(limit)
        """)
      terms.bind(to: select)
      defer { select.reset() }
      var page = Page<GatewayReport>(items: [], next: nil)
      while try select.step() {
        if page.items.count == query.limit {
          page.next = page.items.last.map { Cursor([$0.gateway]) }
          break
        }
        let id = select.integer(0)
        let status = try status(of: id)
        page.items.append(
          GatewayReport(
            gateway: select.text(1), firstContact: Timestamp(nanoseconds: select.integer(2)),
            lastContact: Timestamp(nanoseconds: select.integer(3)), backlog: status.backlog, status: status.text,
            counts: GatewayCounts(
              batches: select.integer(4), records: select.integer(5), duplicates: select.integer(6),
              conflicts: select.integer(7), summaries: select.integer(8), alarms: select.integer(9),
              dropped: select.integer(10), refused: select.integer(11)),
            numberings: try numberings(of: id)))
      }
      return page
    }
  }

  /// Of the epoch that was heard of last, where it told a status; epochs begin one after the other.
  private func status(of gateway: Int64) throws -> (backlog: Int64?, text: String?) {
    let select = try database.statement(
      "SELECT backlog, status FROM epochs WHERE gateway = ?1 AND status IS NOT NULL ORDER BY id DESC LIMIT 1")
    select.bind(1, gateway)
    defer { select.reset() }
    guard try select.step() else { return (nil, nil) }
    return (select.isNull(0) ? nil : select.integer(0), select.optionalText(1))
  }

  private func numberings(of gateway: Int64) throws -> [GatewayReport.Numbering] {
    let select = try database.statement(
      """
      SELECT n.id, e.epoch, n.generation, n.lane, n.stream FROM numberings n JOIN epochs e ON e.id = n.epoch
      WHERE e.gateway = ?1 ORDER BY n.last_contact DESC, n.id LIMIT \(GatewayReport.maximumNumberings)
      """)
    select.bind(1, gateway)
    defer { select.reset() }
    var found: [GatewayReport.Numbering] = []
    while try select.step() {
      let (highest, count, holes) = try coverage(of: select.integer(0))
      found.append(
        GatewayReport.Numbering(
          epoch: select.text(1), generation: select.integer(2), lane: select.text(3), stream: select.text(4),
          highest: highest, missingCount: highest - count, missing: holes))
    }
    return found
  }

  /// The highest number that has come, how many have, and the lowest holes.
  private func coverage(of numbering: Int64) throws -> (Int64, Int64, [ClosedRange<Int64>]) {
    let sum = try database.statement(
      "SELECT max(last), sum(last - first + 1) FROM covered WHERE numbering = ?1")
    sum.bind(1, numbering)
    defer { sum.reset() }
    guard try sum.step() else { return (0, 0, []) }
    // So many ranges have one hole fewer between them, and one more below the first.
    let select = try database.statement(
      "SELECT first, last FROM covered WHERE numbering = ?1 ORDER BY last LIMIT \(GatewayReport.maximumHoles)")
    select.bind(1, numbering)
    defer { select.reset() }
    var ranges = SeqRanges()
    while try select.step() { ranges.insert(select.integer(0)...select.integer(1)) }
    return (sum.integer(0), sum.integer(1), ranges.missing())
  }
}
