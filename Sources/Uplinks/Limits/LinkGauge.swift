import Telemetry

/// How fast the link has proven to be, and so how large a batch may be that is in flight when an alarm comes.
///
/// Where the link is slow, a whole batch of 16 KiB stands in front of an alarm for seconds: at 64 kbit/s for two. So
/// there batches are halved until one takes no more than a second.
struct LinkGauge: Sendable, Equatable {
  /// What one batch may hold the link for.
  static let patience = 1.0
  /// Smaller pieces would be mostly headers.
  static let smallest = 2 << 10

  /// Bytes in a second, over the last exchanges; `nil` until something was measured.
  private(set) var rate: Double?
  private var trip = 0.0

  /// - Parameters:
  ///   - bytes: in a second, as TCP has measured their delivery.
  ///   - trip: the shortest time there and back that was seen, in seconds.
  mutating func measured(bytes: Double, trip: Double) {
    guard bytes > 0 else { return }
    // Half of it is news: a link that recovers is believed after some batches, a lone slow one isn't the end.
    rate = rate.map { $0 * 0.5 + bytes * 0.5 } ?? bytes
    self.trip = max(0, trip)
  }

  /// Whether a batch of `size` bytes would hold the link for too long. What a window's worth of bytes needs for its
  /// way there and back holds nobody up: a satellite is far, not slow.
  func isTooLong(_ size: Int) -> Bool {
    guard let rate, size > Self.smallest else { return false }
    return Double(size) / rate - trip > Self.patience
  }
}
