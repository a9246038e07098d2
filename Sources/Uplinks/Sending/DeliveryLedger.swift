import Outbox
import Telemetry

/// Batches that were delivered and are not yet marked so: one commit takes many together.
struct DeliveryLedger {
  /// Delivered marks that one commit takes together, and how long the first of them waits at most.
  private static let groupSize = 64
  private static let groupTime = Span.milliseconds(200)

  private(set) var batches: [Batch] = []
  private var first = Span.zero

  var ids: [Int64] { batches.map(\.id) }

  mutating func add(_ batch: Batch, at now: Span) {
    if batches.isEmpty { first = now }
    batches.append(batch)
  }

  func isDue(at now: Span) -> Bool {
    guard !batches.isEmpty else { return false }
    return batches.count >= Self.groupSize || now.nanoseconds - first.nanoseconds >= Self.groupTime.nanoseconds
  }

  mutating func flush(_ shared: UplinkShared) throws {
    guard !batches.isEmpty else { return }
    try shared.outbox.delivered(batches, for: shared.definition.name, used: shared.used)
    batches.removeAll(keepingCapacity: true)
  }
}
