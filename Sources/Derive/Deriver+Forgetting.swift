import Outbox
import SQLite
import Telemetry
import Windows

extension Deriver {
  /// So much is remembered come what may: what a broker or a device kept for a moment comes again by then.
  static let leastRemembered = Span.minutes(5)

  /// What came of a wish for room.
  public enum Forgetting: Sendable {
    /// Windows were forgotten, and there may be more.
    case went
    /// Old windows wait for late readings to be joined to them, which is a matter of seconds.
    case waits
    /// Nothing that could go is left.
    case nothing
  }

  /// Gives up what is remembered of the oldest sealed windows, for want of room: some thousand of them at a time.
  ///
  /// The records that were sent of them stay as they are, and their late readings count as too late from now on: joined
  /// to nothing they would replace what was sent. Of each device its last window stays, and the one whose carries still
  /// hold. Windows for which late readings wait stay, and nothing goes on the word of a clock that nobody vouches for.
  public func forgetOldest() throws -> Forgetting {
    guard let through = windows.sealedThrough, !clocks.isInRun, clocks.pending == nil else { return .nothing }
    if !output.isEmpty { try commit() }
    let lengths = settings.windows.lengths
    // Longer windows that are not sealed yet need all their parts.
    let unit = lengths[min(1, lengths.count - 1)]
    let old = through - max(remembers, Span(nanoseconds: 2 * lengths[0].nanoseconds))
    let waiting = late.windows.map(\.start).min() ?? old
    let limit = min(old, waiting).floored(to: unit)
    let superseded = try WindowStore.superseded(lengths[0], before: limit, atMost: forgetsAtOnce, stored)
    guard let passed = superseded.passed, !superseded.rows.isEmpty else { return waiting < old ? .waits : .nothing }
    let end = passed + lengths[0] + unit - Span(nanoseconds: 1)
    try forget(superseded.rows, before: min(limit, end.floored(to: unit)))
    return .went
  }

  private func forget(_ rows: [WindowStore.Place], before start: Timestamp) throws {
    let old = (windows.wholeFrom, forgotten)
    windows.wholeFrom = max(windows.wholeFrom ?? start, start)
    forgotten = max(forgotten ?? start, start)
    do {
      let cursor = cursor(rawNeededFrom)
      let lengths = settings.windows.lengths
      try outbox.transaction { transaction in
        let database = transaction.database
        for row in rows { try WindowStore.forget(lengths[0], row, database) }
        for (level, length) in lengths.enumerated().dropFirst() {
          let whole = start.floored(to: lengths[min(level + 1, lengths.count - 1)])
          try WindowStore.forget(length, before: whole, writtenBefore: Span(nanoseconds: .max), database)
        }
        try WindowStore.forgetSources(lengths[0], before: start, database)
        try DeriveStore.save(cursor, database)
      }
    } catch {
      (windows.wholeFrom, forgotten) = old
      throw error
    }
  }

  /// A clock that was set back has made windows old that were not: those from the next one on are whole again.
  func wholeAgain(from clock: Timestamp) {
    guard let whole = windows.wholeFrom else { return }
    windows.wholeFrom = min(whole, nextWhole(clock))
  }

  /// The first window of which every message comes after this time: a message waits for its commit, and its window for
  /// the grace.
  func nextWhole(_ clock: Timestamp) -> Timestamp {
    let length = settings.windows.length
    return (clock + settings.windows.grace).floored(to: length) + length
  }
}
