import Outbox
import Telemetry

/// How batches are posted to a kind of server.
protocol HTTPFormat: Sendable {
  var url: String { get }
  /// Without user and port, for what is told about certificates.
  var host: String { get }
  /// Whether answers may hold requests of the receiver.
  var readsAnswers: Bool { get }
  /// `nil` where the batch holds nothing that such a server takes; it counts as delivered then.
  func request(for batch: Batch, _ encoding: UplinkDefinition.Compression) throws -> HTTPRequest?
  func authorization(_ token: String) -> String
}

struct HTTPRequest {
  var headers: [String]
  var body: [UInt8]
}

/// Batches as they were sealed: section 5 of the interface.
struct BatchFormat: HTTPFormat {
  let address: Address

  var url: String { address.batches }
  var host: String { address.host }
  var readsAnswers: Bool { true }

  func request(for batch: Batch, _ encoding: UplinkDefinition.Compression) throws -> HTTPRequest? {
    let encoded = try batch.encoded(as: encoding)
    return HTTPRequest(
      headers: [
        "Content-Type: application/json", "Content-Encoding: \(encoded.encoding.rawValue)",
        "Idempotency-Key: \(encoded.idempotencyKey)",
      ], body: encoded.body)
  }

  func authorization(_ token: String) -> String { "Bearer \(token)" }
}
