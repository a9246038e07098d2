import Journal
import Telemetry

/// What the segments' clocks are worth: for each run of segments whose wall clock nobody vouched for, when it was.
///
/// A segment whose clock was synchronised says the time itself. Another one is dated by the boot-time clock, which only
/// ever goes forward:
/// - after a synchronised one of the same boot: from there on (`corrected`);
/// - at a boot's beginning: by the wall clock, but never before the latest time that is known already (`untrusted`);
/// - once that boot's clock is set: backwards from there (`corrected`). The run is *mended*, piece by piece, for the
///   windows that held its messages change.
///
/// A value without I/O, which depends on nothing but the segments that were passed, in order.
struct ClockRuns: Sendable, Equatable {
  struct Run: Sendable, Equatable {
    /// Its first segment.
    var first: Int64
    var boot: String
    /// When the first segment was, as far as is known without mending.
    var base: Timestamp
    /// The boot-time clock then.
    var since: Span
    /// A synchronised segment of the same boot came before it.
    var isVouched: Bool
    /// Once the boot's clock is set: wall clock less boot-time clock.
    var offset: Span?
    /// The segment by which the clock was set; the run ends before it.
    var end: Int64 = .max
    /// Segments up to here are dated by `offset`.
    var mendedThrough: Int64 = 0

    var isPending: Bool { offset != nil && mendedThrough < end - 1 }
  }

  /// `trust = "always"`.
  let trustsAll: Bool
  /// Ascending. Few: one for each time that the clock lost its vouching.
  private(set) var runs: [Run] = []
  /// Of the segment that was passed last.
  private(set) var boot = ""
  /// Of the latest synchronised segment of that boot.
  private(set) var vouchedOffset: Span?
  private(set) var isInRun = false

  init(trustsAll: Bool) { self.trustsAll = trustsAll }

  init(trustsAll: Bool, runs: [Run], boot: String, vouchedOffset: Span?, isInRun: Bool) {
    self.trustsAll = trustsAll
    self.runs = runs
    self.boot = boot
    self.vouchedOffset = vouchedOffset
    self.isInRun = isInRun
  }

  struct Reading: Sendable, Equatable {
    var time: Timestamp
    var quality: TimeQuality
  }

  /// When a segment that was passed was committed, as is known now.
  func reading(_ id: Int64, _ clock: ClockReading) -> Reading {
    if trustsAll || clock.synchronised { return Reading(time: clock.wall, quality: .trusted) }
    guard let run = run(of: id) else { return Reading(time: clock.wall, quality: .untrusted) }
    if let offset = run.offset, id <= run.mendedThrough {
      return Reading(time: Timestamp(nanoseconds: 0) + clock.sinceBoot + offset, quality: .corrected)
    }
    let byBoot = run.base + Span(nanoseconds: clock.sinceBoot.nanoseconds &- run.since.nanoseconds)
    if run.isVouched { return Reading(time: byBoot, quality: .corrected) }
    return Reading(time: max(clock.wall, byBoot), quality: .untrusted)
  }

  private func run(of id: Int64) -> Run? {
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].first <= id { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? runs[low - 1] : nil
  }

  /// Takes note of the next segment.
  ///
  /// - Parameter latest: the latest time that is known already; `nil` before the first segment.
  /// - Returns: the run that this segment begins or ends, by its position, where it must be written down.
  mutating func pass(_ id: Int64, _ clock: ClockReading, latest: Timestamp?) -> Int? {
    let sameBoot = clock.boot == boot && !boot.isEmpty
    defer { boot = clock.boot }
    guard !trustsAll else { return nil }
    if clock.synchronised {
      let offset = (clock.wall - Timestamp(nanoseconds: 0)) - clock.sinceBoot
      defer {
        vouchedOffset = offset
        isInRun = false
      }
      guard sameBoot, isInRun, let last = runs.indices.last, !runs[last].isVouched else { return nil }
      runs[last].offset = offset
      runs[last].end = id
      runs[last].mendedThrough = runs[last].first - 1
      return last
    }
    defer { isInRun = true }
    if sameBoot, isInRun { return nil }
    if !sameBoot { vouchedOffset = nil }
    let base: Timestamp
    if let vouchedOffset {
      base = Timestamp(nanoseconds: 0) + clock.sinceBoot + vouchedOffset
    } else {
      base = max(clock.wall, latest ?? clock.wall)
    }
    runs.append(
      Run(first: id, boot: clock.boot, base: base, since: clock.sinceBoot, isVouched: vouchedOffset != nil))
    return runs.count - 1
  }

  /// The first run that waits to be mended.
  var pending: Int? { runs.firstIndex(where: \.isPending) }

  /// Segments that wait to be mended.
  func isPending(_ id: Int64) -> Bool {
    runs.contains { $0.isPending && id > $0.mendedThrough && id < $0.end && id >= $0.first }
  }

  mutating func mend(_ index: Int, through id: Int64) { runs[index].mendedThrough = id }

  /// Forgets runs whose segments are all gone.
  ///
  /// - Returns: their first segments.
  mutating func forget(before oldest: Int64) -> [Int64] {
    var gone: [Int64] = []
    while runs.count > 1, runs[1].first <= oldest, !runs[0].isPending { gone.append(runs.removeFirst().first) }
    return gone
  }
}

extension Span {
  static func - (a: Span, b: Span) -> Span { Span(nanoseconds: a.nanoseconds &- b.nanoseconds) }
}
