/// The estimates of one clock, each with the message since which it holds: a message that is read again is read with
/// what was known when it came.
final class ClockHistory {
  /// Ascending. Few: an estimate changes a few times when a clock goes wrong.
  private var estimates: [(since: Int64, estimate: ClockEstimate)] = []

  /// What was known before the message.
  func estimate(before sequence: Int64) -> ClockEstimate {
    estimates.last { $0.since < sequence }?.estimate ?? ClockEstimate()
  }

  func add(_ estimate: ClockEstimate, since sequence: Int64) { estimates.append((sequence, estimate)) }

  /// No message before this one will be read again.
  func forget(before sequence: Int64) {
    while estimates.count > 1, estimates[1].since < sequence { estimates.removeFirst() }
  }
}
