/// A kind of record that is numbered by itself and sent in its own order.
public enum Lane: String, Sendable, CaseIterable {
  case alarm, summary, status, backfill
}
