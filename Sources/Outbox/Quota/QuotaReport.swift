import Telemetry

/// What `enforceQuota` did.
public struct QuotaReport: Sendable, Equatable {
  /// Batches deleted because every destination has them.
  public internal(set) var deletedBatches = 0
  /// Records that were dropped undelivered, each accounted for.
  public internal(set) var droppedRecords: [Lane: Int64] = [:]
  public internal(set) var bytesInUse: Int64 = 0
  /// Whether what is left fits. Where not, only alarms, accountings and what was perhaps sent already are left.
  public internal(set) var fits = true

  public init() {}
}
