import SQLite
import Telemetry

/// What lies behind the outbox's lock: the connection, and what was read at opening. Not thread-safe.
final class Store {
  struct ActiveDestination {
    let id: Int64
    let name: String
    let isRequired: Bool
    /// The numberings of which it gets what, in the order in which they are delivered.
    let eras: [Era]
  }

  /// A numbering that takes what is sealed from now on.
  struct Target {
    let era: Era
    let filter: RecordFilter
  }

  let database: Database
  /// Of the present journal and generation, and of the stream that everyone shares who wants everything.
  let era: Era
  /// Under which new batches are numbered.
  let targets: [Target]
  /// All that the file knows, the present one last: the others may have batches still to deliver.
  private(set) var eras: [Era]
  private(set) var destinations: [ActiveDestination]
  var packer: Packer
  let suspicion: Suspicion
  private(set) var halt: OutboxError?

  init(
    database: Database, era: Era, targets: [Target], eras: [Era], destinations: [ActiveDestination], packer: Packer,
    suspicion: Suspicion
  ) {
    self.database = database
    self.era = era
    self.targets = targets
    self.eras = eras
    self.destinations = destinations
    self.packer = packer
    self.suspicion = suspicion
    database.willCheckpoint = { Failpoint.hit("outbox.checkpoint") }
  }

  func destination(_ name: String) throws(OutboxError) -> ActiveDestination {
    guard let found = destinations.first(where: { $0.name == name }) else {
      throw OutboxError(
        .unknownDestination, operation: "looking for a destination in", path: database.path,
        message: "there is none named \(name)", hint: "the outbox must be opened with every [[uplink]]")
    }
    return found
  }

  /// Who gets what of a numbering.
  func subscribers(_ era: Era) -> [ActiveDestination] { destinations.filter { $0.eras.contains(era) } }

  /// Makes a numbering known that only this destination gets. Its present one stays the last.
  func add(_ era: Era, to name: String) {
    if !eras.contains(era) { eras.append(era) }
    destinations = destinations.map { destination in
      guard destination.name == name, !destination.eras.contains(era) else { return destination }
      return ActiveDestination(
        id: destination.id, name: name, isRequired: destination.isRequired, eras: [era] + destination.eras)
    }
  }

  /// Draws the consequences that outlive the call.
  func note(_ error: DatabaseError) {
    switch error.kind {
    case .full:
      // The log may have room again once it is moved into pages that the file has already.
      do {
        try database.checkpoint()
      } catch {
        if error.kind != .full { note(error) }
      }
    case .io:
      halt = OutboxError(
        .halted, operation: "using", path: database.path, message: "an earlier I/O error: \(error)",
        hint: "restart the service once the disk is well", underlying: error)
    case .corrupt:
      // The next opening looks closer and sets the file aside if need be.
      suspicion.raise()
      halt = OutboxError(
        .halted, operation: "using", path: database.path, message: "a damaged page: \(error)",
        hint: "the next start looks through the file and sets it aside", underlying: error)
    default: break
    }
  }

  /// The ids of the destinations that are configured now, for an SQL `IN`.
  var activeIDs: String { destinations.map { String($0.id) }.joined(separator: ",") }

  // MARK: Counters

  enum Counter: String {
    case dropped
  }

  func counter(_ counter: Counter) throws -> Int64 {
    try database.integer("SELECT value FROM outbox_counter WHERE name='\(counter.rawValue)'")
  }

  func add(_ amount: Int64, to counter: Counter) throws {
    try database.statement(
      """
      INSERT INTO outbox_counter(name, value) VALUES(?1, ?2)
      ON CONFLICT(name) DO UPDATE SET value = value + excluded.value
      """
    ).bind(1, counter.rawValue).bind(2, amount).run()
  }

  func bytesInUse() throws -> Int64 { try database.bytesInUse() }
}
