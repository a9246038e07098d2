import SQLite
import Telemetry

extension Outbox {
  /// The records of a lane that are still in the file, each with its number, in the order in which they were sealed.
  /// Reads only, beside whoever runs.
  public static func records(_ lane: Lane, path: String) throws -> [[UInt8]] {
    let database = try Database(path: path, mode: .reader)
    let row = try database.statement(
      "SELECT encoding, body FROM outbox_batch WHERE lane = ? AND reason IS NULL ORDER BY id")
    defer { row.reset() }
    row.bind(1, lane.code)
    var records: [[UInt8]] = []
    while try row.step() {
      guard let encoding = UplinkDefinition.Compression(rawValue: row.text(0)) else { continue }
      records += BatchBody.records(try Codec.expand(row.blob(1), encoding)) ?? []
    }
    return records
  }
}
