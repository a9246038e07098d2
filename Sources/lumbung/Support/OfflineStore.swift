import Journal
import Telemetry

/// What the store tells while the daemon does not run. Reads only.
struct OfflineStore {
  let oldest: Int64
  let newest: Int64
  let uuid: String
  let lastWritten: Timestamp?

  init(path: String) throws {
    let reader = try JournalReader(path: "\(path)/journal.db")
    uuid = reader.uuid
    oldest = reader.oldestID
    newest = reader.newestID
    if case .segment(let last)? = try reader.segments(after: newest - 1, limit: 1).last {
      lastWritten = last.clock.wall
    } else {
      lastWritten = nil
    }
  }

  var text: String {
    "store: segments \(oldest) to \(newest)" + (lastWritten.map { ", last written \(RFC3339.format($0))" } ?? "")
  }

  var json: String {
    var writer = JSONWriter()
    writer.object { json in
      json.field("running", false)
      json.object("journal") { journal in
        journal.field("uuid", uuid)
        journal.field("oldest_segment", oldest)
        journal.field("newest_segment", newest)
        if let lastWritten { journal.field("last_written", lastWritten) }
      }
    }
    return writer.text
  }
}
