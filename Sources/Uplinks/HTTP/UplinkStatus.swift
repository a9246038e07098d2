import Telemetry

extension HTTPUplink {
  /// How an uplink is doing; counts are since its start.
  public struct Status: Sendable, Equatable {
    public enum State: String, Sendable {
      /// Nothing is left to send.
      case idle
      case sending
      /// The link or the server fails; the next try comes by itself.
      case waiting
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
  }

  public enum Level: String, Sendable {
    case debug, info, warning, error
  }
}
