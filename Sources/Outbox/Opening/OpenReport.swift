/// What opening the outbox found.
public struct OpenReport: Sendable, Equatable {
  /// Whether the file was made (anew) by this opening.
  public internal(set) var isNew = false
  /// Where the damaged file lies now; `nil` where none was set aside.
  public internal(set) var setAside: String?
  /// Why it was set aside, or why the outbox had to be made anew.
  public internal(set) var reason: String?
  /// Undelivered batches that could be read from the damaged file and will still be sent.
  public internal(set) var salvagedBatches = 0

  public init() {}
}
