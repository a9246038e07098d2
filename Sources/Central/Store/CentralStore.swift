import Telemetry

/// Where the receiver keeps what it took: applies batches, answers questions.
///
/// Its callers know nothing of SQLite, so that another database can take its place. All methods may be called from
/// any task, and suspend instead of blocking.
public protocol CentralStore: Sendable {
  /// Applies each record by key and version, in one durable transaction; returns after the commit.
  ///
  /// - Parameter time: when the batch came, for the gateway's last contact.
  /// - Throws: `StoreError`; nothing of the batch has been applied then.
  func apply(_ batch: Batch, at time: Timestamp) async throws -> Receipt

  func gateways(_ query: GatewayQuery) async throws -> Page<GatewayReport>
  func summaries(_ query: SummaryQuery) async throws -> Page<StoredSummary>
  func alarms(_ query: AlarmQuery) async throws -> Page<StoredAlarm>

  /// The gateways heard last, the latest first.
  func contacts(limit: Int) async throws -> [(gateway: String, time: Timestamp)]

  /// Throws where the store can't be read, or where the last write failed.
  func check() async throws
}

/// What became of a batch.
public struct Receipt: Sendable, Equatable {
  /// Records whose numbers had not come before.
  public var accepted = 0
  /// Records whose numbers had come before.
  public var duplicates = 0
  /// Those of the duplicates whose content is another than it was the first time.
  public var conflicts = 0

  public init(accepted: Int = 0, duplicates: Int = 0, conflicts: Int = 0) {
    self.accepted = accepted
    self.duplicates = duplicates
    self.conflicts = conflicts
  }
}

/// Why the store couldn't do what it was asked. All of them pass: the sender keeps its batch and tries again.
public enum StoreError: Error, Sendable, CustomStringConvertible {
  /// More is waiting to be written than may wait.
  case overloaded
  /// It is shutting down.
  case closed
  /// The database refused; the text says what, where and why.
  case failed(String)

  public var description: String {
    switch self {
    case .overloaded: "too much is waiting to be written; try again shortly"
    case .closed: "the receiver is shutting down"
    case .failed(let reason): reason
    }
  }
}

/// Some results in a stable order, and where the next ones begin.
public struct Page<Item: Sendable>: Sendable {
  public var items: [Item]
  /// `nil` where nothing more is known to follow.
  public var next: Cursor?

  public init(items: [Item], next: Cursor?) {
    self.items = items
    self.next = next
  }
}
