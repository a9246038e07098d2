/// A batch as section 5 of the interface has it, checked as far as a receiver must rely on it.
public struct Batch: Sendable, Equatable {
  public var gateway: String
  /// A UUID, in lower case.
  public var epoch: String
  public var generation: Int64
  public var lane: String
  /// Empty for the numbering that most destinations share.
  public var stream: String
  public var first: Int64
  public var last: Int64
  /// In ascending order of `seq`; never empty.
  public var records: [BatchRecord]
  /// The size of its JSON, uncompressed: what it weighs while it waits.
  public var size: Int
}

/// One record: what is needed to apply it, and its text as it came.
public struct BatchRecord: Sendable, Equatable {
  public enum Body: Sendable, Equatable {
    case summary(Summary)
    case alarm(Alarm)
    /// `backlog` is the gateway's own word on how many records it still holds.
    case status(backlog: Int64?)
    /// Covers `seq` to `through`.
    case dropped
    case refused
    /// A type that this receiver doesn't know: kept, and otherwise ignored.
    case unknown
  }

  public struct Summary: Sendable, Equatable {
    public var subject: Subject
    /// Nanoseconds since the epoch, as `Timestamp` has them.
    public var start: Int64
    public var end: Int64
    public var revision: Int64
    public var isVoid: Bool
  }

  public enum Subject: Sendable, Equatable {
    case device(String)
    case group(String)
  }

  public struct Alarm: Sendable, Equatable {
    public var id: String
    public var isRaised: Bool
    public var device: String
    /// Nanoseconds since the epoch.
    public var time: Int64
  }

  public var seq: Int64
  /// Equals `seq` but in a dropped record.
  public var through: Int64
  public var type: String
  public var body: Body
  /// The record's JSON exactly as it came.
  public var text: String
  public var fingerprint: Int64

  public var covered: ClosedRange<Int64> { seq...through }
}
