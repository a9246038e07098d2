/// How far a destination has come on one lane of one era.
struct Position: Equatable {
  /// All up to here is settled: delivered, or a dead letter.
  var delivered: Int64 = 0
  /// Nothing beyond this was ever sent. Never below `delivered`.
  var attempted: Int64 = 0

  /// How many numbers beyond what was delivered count as attempted at once. So a link that works needs no commit of
  /// its own before each batch; the price is that so many records can't be dropped by the quota once it fails.
  static let reserve: Int64 = 256
  /// The same in batches, for a destination that catches up.
  static let reservedBatches = 32
}
