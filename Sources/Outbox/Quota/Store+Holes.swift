import SQLite
import Telemetry

extension Store {
  /// Accounts for what was forgotten before a destination was configured, so that it sees no unexplained gap.
  func accountForStart(_ destination: Int64) throws {
    let eras = destinations.first { $0.id == destination }?.eras ?? []
    for era in eras {
      for lane in Lane.allCases {
        let next = try nextSeq(era, lane)
        // What it has already lies here no more where everybody has it.
        let rows = Range.coalesced(try ranges(era, lane) + ahead(destination, era, lane))
        // Of older numberings only what still lies here concerns a newcomer.
        guard era == eras.last || !rows.isEmpty else { continue }
        var expected = try position(destination, era, lane).attempted + 1
        for row in rows where row.last >= expected {
          if row.first > expected {
            try insertAccounting(era, lane, first: expected, last: row.first - 1, reason: "before-start")
          }
          expected = row.last + 1
        }
        if expected < next {
          try insertAccounting(era, lane, first: expected, last: next - 1, reason: "before-start")
        }
      }
    }
  }

  /// Accounts for what could not be read between batches that could.
  func accountForDamage() throws {
    for era in eras where era != self.era {
      for lane in Lane.allCases {
        // What was perhaps sent stays a gap: no number gets a second content.
        let sent =
          try destinations.map {
            max(try position($0.id, era, lane).attempted, try attempts($0.id, era, lane).last?.last ?? 0)
          }.max() ?? 0
        var expected: Int64?
        for row in try ranges(era, lane) {
          if let expected, row.first > expected, expected > sent {
            try insertAccounting(era, lane, first: expected, last: row.first - 1, reason: "damaged")
          }
          expected = row.last + 1
        }
      }
    }
  }

  private func ranges(_ era: Era, _ lane: Lane) throws -> [Range] {
    let statement = try database.statement(
      "SELECT first, last FROM outbox_batch WHERE stream='' AND era=?1 AND lane=?2 ORDER BY first"
    ).bind(1, era.id).bind(2, lane.code)
    defer { statement.reset() }
    var ranges: [Range] = []
    while try statement.step() {
      let range = Range(first: statement.integer(0), last: statement.integer(1))
      // Neighbours as one, so that a long backlog doesn't fill the memory.
      if let previous = ranges.last, previous.last + 1 == range.first {
        ranges[ranges.count - 1] = Range(first: previous.first, last: range.last)
      } else {
        ranges.append(range)
      }
    }
    return ranges
  }
}
