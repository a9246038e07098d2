import SQLite
import Telemetry

extension Outbox {
  /// Makes room, in this order: batches that every destination has (always, needed or not); where more than `limit`
  /// bytes are in use, batches that only optional destinations lack, then undelivered status records, then undelivered
  /// backfill and summaries from the oldest on. What goes undelivered is replaced by an accounting record. Alarms that
  /// a needed destination lacks are never dropped, nor is anything that was perhaps sent.
  ///
  /// Works in small transactions, so that others get their turn; call it now and then (every few seconds).
  ///
  /// - Parameters:
  ///   - limit: Bytes of pages in use, as `bytesInUse` counts.
  ///   - optionalLimit: What destinations that are optional may hold back, in bytes of batches, however much room there
  ///     is otherwise.
  public func enforceQuota(bytes limit: Int64, optionalBytes optionalLimit: Int64 = .max) throws -> QuotaReport {
    var report = QuotaReport()
    // 64 batches are 1 MiB: a transaction that size neither holds others up for long nor lets the log grow.
    let step = 64
    while true {
      let deleted = try withStore { store in
        try store.database.transaction { try store.deleteDelivered(limit: step) }
      }
      report.deletedBatches += deleted
      if deleted < step { break }
    }
    if optionalLimit < .max { try dropForOptional(step, optionalLimit, &report) }
    report.bytesInUse = try withStore { try $0.bytesInUse() }
    if report.bytesInUse > limit {
      // A little more than asked, so that the next batch doesn't ask again.
      let target = limit - limit / 32
      for lane in [Lane.status, .backfill, .summary, .alarm] {
        try drop(lane, deliveredOnly: true, step, target, &report)
      }
      for lane in [Lane.status, .backfill, .summary] {
        try drop(lane, deliveredOnly: false, step, target, &report)
      }
    }
    try withStore { try $0.shrink() }
    report.fits = report.bytesInUse <= limit
    return report
  }

  private func dropForOptional(_ step: Int, _ limit: Int64, _ report: inout QuotaReport) throws {
    for lane in [Lane.status, .backfill, .summary, .alarm] {
      while true {
        let dropped = try withStore { store in
          guard try store.bytesForOptionalOnly() > limit else { return Int64(0) }
          return try store.database.transaction { try store.drop(lane, limit: step, deliveredOnly: true) }
        }
        guard dropped > 0 else { break }
        report.droppedRecords[lane, default: 0] += dropped
      }
    }
  }

  private func drop(
    _ lane: Lane, deliveredOnly: Bool, _ step: Int, _ target: Int64, _ report: inout QuotaReport
  ) throws {
    while report.bytesInUse > target {
      let dropped = try withStore { store in
        // With no destination or all of them needed there is nothing that only optional ones lack.
        guard !deliveredOnly || store.destinations.contains(where: { !$0.isRequired }) else { return Int64(0) }
        let excess = report.bytesInUse - target
        let count = max(1, min(step, Int(excess / Int64(Packer.limit))))
        let dropped = try store.database.transaction {
          try store.drop(lane, limit: count, deliveredOnly: deliveredOnly)
        }
        report.bytesInUse = try store.bytesInUse()
        return dropped
      }
      guard dropped > 0 else { return }
      report.droppedRecords[lane, default: 0] += dropped
    }
  }
}
