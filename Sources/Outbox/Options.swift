import Telemetry

extension Outbox {
  /// Somewhere that records must go.
  public struct Destination: Sendable, Hashable {
    /// What its delivery state is kept under: renaming a destination makes a new one.
    public var name: String
    /// Does not hold back what the others have received. Where all are optional, all count as needed.
    public var optional: Bool
    /// How it wants batches compressed. Batches are sealed as zstd where every destination wants that, else as gzip.
    public var compression: UplinkDefinition.Compression

    /// What it wants. Destinations that want the same share one numbering; a change of mind begins another.
    public var filter: RecordFilter
    /// With what it begins where there are others already: what is sealed from then on, or the oldest that is kept.
    public var start: UplinkDefinition.Start

    public init(
      name: String, optional: Bool = false, compression: UplinkDefinition.Compression = .gzip,
      filter: RecordFilter = .all, start: UplinkDefinition.Start = .now
    ) {
      self.name = name
      self.optional = optional
      self.compression = compression
      self.filter = filter
      self.start = start
    }
  }

  public struct Options: Sendable {
    public typealias Destination = Outbox.Destination

    /// The database file. Beside it lies a small file `generation`.
    public var path: String
    /// The gateway's id, as it stands in every batch.
    public var gateway: String
    /// The journal's UUID.
    public var epoch: String
    public var destinations: [Destination]
    /// `CREATE TABLE IF NOT EXISTS …` of whoever writes through `OutboxTransaction.database`; run at every open. Names
    /// that begin with `outbox_` are the outbox's own.
    public var extraSchema: [String]
    /// FULL everywhere but in the negative controls of fault tests.
    public var synchronous: String
    /// The log is moved into the file once it has so many pages of 4 KiB.
    public var checkpointPages = 1000

    /// Bytes of disk that the log keeps: the pages between two checkpoints, and a quarter more for marking what is
    /// delivered while a full disk keeps them from being moved.
    var logRoom: Int { checkpointPages * 5 / 4 * (4096 + 24) }

    public init(
      path: String, gateway: String, epoch: String, destinations: [Destination], extraSchema: [String] = [],
      synchronous: String = "FULL"
    ) {
      self.path = path
      self.gateway = gateway
      self.epoch = epoch
      self.destinations = destinations
      self.extraSchema = extraSchema
      self.synchronous = synchronous
    }
  }
}
