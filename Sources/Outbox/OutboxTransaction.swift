import SQLite
import Telemetry

extension Outbox {
  /// What `Outbox.transaction` hands to its body; of no use after it has returned.
  public final class OutboxTransaction {
    /// The outbox's own connection, inside the open transaction, for the tables of `Options.extraSchema`.
    public var database: Database
    /// Segments below this are wholly derived once this commits. `nil` leaves it as it was.
    public var rawBefore: Int64?

    private(set) var records: [Lane: [[UInt8]]] = [:]
    /// By the destination that asked for them.
    private(set) var backfill: [String: [[UInt8]]] = [:]
    private(set) var fault: OutboxError?

    init(database: Database) { self.database = database }

    /// Puts one record at the lane's end.
    ///
    /// - Parameter record: One JSON object without `seq`, which the outbox adds as its first field. A raw newline,
    ///   which JSON allows only between tokens, becomes a space. Anything that is no object makes the transaction fail.
    public func append(_ lane: Lane, _ record: [UInt8]) {
      if let record = checked(lane, record) { records[lane, default: []].append(record) }
    }

    /// Puts one record at the end of the backfill that only this destination gets.
    public func appendBackfill(_ record: [UInt8], for destination: String) {
      if let record = checked(.backfill, record) { backfill[destination, default: []].append(record) }
    }

    private func checked(_ lane: Lane, _ record: [UInt8]) -> [UInt8]? {
      guard record.count >= 2, record.first == UInt8(ascii: "{"), record.last == UInt8(ascii: "}") else {
        fault = OutboxError(
          .invalidRecord, operation: "appending a record to the lane \(lane.rawValue) of", path: database.path,
          message: "it is no JSON object: \(String(decoding: record.prefix(40), as: UTF8.self))",
          hint: "this is a fault of the gateway itself; please report it")
        return nil
      }
      let isNewline: (UInt8) -> Bool = { $0 == 0x0a || $0 == 0x0d }
      return record.contains(where: isNewline) ? record.map { isNewline($0) ? UInt8(ascii: " ") : $0 } : record
    }
  }
}
