import Telemetry

/// Sealed records, as they go on the wire.
public struct Batch: Sendable, Equatable {
  /// Names the batch in its outbox; never used twice.
  public let id: Int64
  public let lane: Lane
  /// The first and last `seq` that it covers.
  public let first: Int64
  public let last: Int64
  /// Records in the body: one where the batch accounts for dropped records, however many those were.
  public let recordCount: Int
  public let encoding: UplinkDefinition.Compression
  /// Compressed JSON, ready to send.
  public let body: [UInt8]
  /// `{epoch}/{generation}/{lane}/{first}-{last}`, with the stream's name before the lane where it has one: the same for
  /// every try of the same batch.
  public let idempotencyKey: String

  let era: Int64

  init(
    id: Int64, era: Era, lane: Lane, first: Int64, last: Int64, recordCount: Int,
    encoding: UplinkDefinition.Compression, body: [UInt8]
  ) {
    self.init(
      id: id, lane: lane, first: first, last: last, recordCount: recordCount, encoding: encoding, body: body,
      idempotencyKey: "\(era.epoch)/\(era.generation)/\(era.stream.isEmpty ? "" : era.stream + "/")"
        + "\(lane.rawValue)/\(first)-\(last)", era: era.id)
  }

  private init(
    id: Int64, lane: Lane, first: Int64, last: Int64, recordCount: Int, encoding: UplinkDefinition.Compression,
    body: [UInt8], idempotencyKey: String, era: Int64
  ) {
    self.id = id
    self.lane = lane
    self.first = first
    self.last = last
    self.recordCount = recordCount
    self.encoding = encoding
    self.body = body
    self.idempotencyKey = idempotencyKey
    self.era = era
  }

  /// The body as JSON.
  public func json() throws -> [UInt8] { try Codec.expand(body, encoding) }

  /// Bytes of another kind, compressed as a server of theirs wants them.
  public static func gzip(_ bytes: [UInt8]) throws -> [UInt8] { try Codec.compress(bytes, .gzip) }

  /// The same batch for a receiver that understands another compression; the JSON stays byte for byte.
  public func encoded(as other: UplinkDefinition.Compression) throws -> Batch {
    guard other != encoding else { return self }
    return Batch(
      id: id, lane: lane, first: first, last: last, recordCount: recordCount, encoding: other,
      body: try Codec.compress(json(), other), idempotencyKey: idempotencyKey, era: era)
  }
}
