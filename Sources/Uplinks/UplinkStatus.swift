import Telemetry

extension Uplink {
  /// How an uplink is doing; counts are since its start.
  public struct Status: Sendable, Equatable {
    public enum State: String, Sendable {
      /// Nothing is left to send.
      case idle
      case sending
      /// The link or the server fails; the next try comes by itself.
      case waiting
      /// What is left to send may not go now: the hours or the budget, see `heldBack`.
      case held
      /// Someone must put something right; `cure` says what.
      case misconfigured
    }

    public var name: String
    /// Without credentials.
    public var url: String
    public var state = State.idle
    public var deliveredRecords: Int64 = 0
    public var deliveredBatches: Int64 = 0
    public var lastSuccess: Timestamp?
    public var error: String?
    public var cure: String?
    /// Until the next try; `nil` where none is waited for.
    public var retryIn: Span?
    /// What is kept back, and why; `nil` for nothing.
    public var heldBack: String?
    /// What went over the wire both ways, libcurl's figures and an estimate for what lies below HTTP.
    public var wireBytes: Int64 = 0
    /// The month's budget; `nil` where there is none.
    public var budget: MonthlyBudget?
    /// Bytes in a second, as the link has proven; `nil` until it was measured.
    public var linkRate: Double?
  }

  public enum Level: String, Sendable {
    case debug, info, warning, error
  }
}
