import Telemetry

/// What is known of one gateway.
public struct GatewayReport: Sendable, Equatable {
  /// One numbering: its numbers count from 1 without holes, so what is missing below the highest is known.
  public struct Numbering: Sendable, Equatable {
    public var epoch: String
    public var generation: Int64
    public var lane: String
    /// Empty for the one that most destinations share.
    public var stream: String
    public var highest: Int64
    public var missingCount: Int64
    /// The lowest holes; at most `GatewayReport.maximumHoles`.
    public var missing: [ClosedRange<Int64>]
  }

  public static let maximumHoles = 100
  public static let maximumNumberings = 100

  public var gateway: String
  public var firstContact: Timestamp
  public var lastContact: Timestamp
  /// The backlog told in the latest status record; `nil` where none told it.
  public var backlog: Int64?
  /// The latest status record, as it came.
  public var status: String?
  public var counts: GatewayCounts
  /// The latest in use first; at most `maximumNumberings`.
  public var numberings: [Numbering]
}

/// Counted since the gateway's first contact.
public struct GatewayCounts: Sendable, Equatable {
  public var batches: Int64 = 0
  /// Distinct records, by number.
  public var records: Int64 = 0
  public var duplicates: Int64 = 0
  public var conflicts: Int64 = 0
  /// Distinct summaries, by key; a revision makes none.
  public var summaries: Int64 = 0
  /// Distinct transitions of alarms.
  public var alarms: Int64 = 0
  /// Numbers that the gateway says it dropped.
  public var dropped: Int64 = 0
  /// Records that the gateway says were refused.
  public var refused: Int64 = 0
}

/// The version of a summary that counts.
public struct StoredSummary: Sendable, Equatable {
  public var gateway: String
  public var epoch: String
  public var generation: Int64
  /// The record's JSON.
  public var record: String
}

/// The transitions of one alarm, joined.
public struct StoredAlarm: Sendable, Equatable {
  public var id: String
  public var gateway: String
  public var epoch: String
  public var generation: Int64
  /// The record's JSON, where that transition has come.
  public var raised: String?
  public var cleared: String?

  public var isActive: Bool { raised != nil && cleared == nil }
}
