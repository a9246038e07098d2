import Telemetry

public struct GatewayQuery: Sendable, Equatable {
  public var gateway: String?
  public var limit: Int
  public var cursor: Cursor?

  public init(gateway: String? = nil, limit: Int = 100, cursor: Cursor? = nil) {
    self.gateway = gateway
    self.limit = limit
    self.cursor = cursor
  }
}

/// Summaries in the order of (start, gateway, device).
public struct SummaryQuery: Sendable, Equatable {
  public var gateway: String?
  public var device: String?
  /// Only records that have this metric, and of their metrics only it. Without braces it stands for all instances.
  public var metric: String?
  /// Windows that start in [from, to).
  public var from: Timestamp?
  public var to: Timestamp?
  public var includesVoid: Bool
  /// The latest window first.
  public var isDescending: Bool
  public var limit: Int
  public var cursor: Cursor?

  public init(
    gateway: String? = nil, device: String? = nil, metric: String? = nil, from: Timestamp? = nil,
    to: Timestamp? = nil, includesVoid: Bool = false, isDescending: Bool = false, limit: Int = 100,
    cursor: Cursor? = nil
  ) {
    self.gateway = gateway
    self.device = device
    self.metric = metric
    self.from = from
    self.to = to
    self.includesVoid = includesVoid
    self.isDescending = isDescending
    self.limit = limit
    self.cursor = cursor
  }
}

/// Alarms, the latest first.
public struct AlarmQuery: Sendable, Equatable {
  public var gateway: String?
  public var device: String?
  /// `true`: raised and not cleared; `false`: the others; `nil`: all.
  public var isActive: Bool?
  public var limit: Int
  public var cursor: Cursor?

  public init(
    gateway: String? = nil, device: String? = nil, isActive: Bool? = nil, limit: Int = 100, cursor: Cursor? = nil
  ) {
    self.gateway = gateway
    self.device = device
    self.isActive = isActive
    self.limit = limit
    self.cursor = cursor
  }
}
