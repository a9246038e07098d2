import Telemetry

/// When a device was heard within a window, as far as it takes to name the gaps. In any order of arrival.
struct Presence: Sendable, Equatable {
  struct Gap: Sendable, Equatable {
    var start: Timestamp
    var end: Timestamp
  }

  private(set) var first: Timestamp?
  private(set) var last: Timestamp?
  /// Longer than the threshold, ascending, the earliest `maximum` of them.
  private(set) var gaps: [Gap] = []
  /// How many more there are.
  private(set) var more = 0

  /// As many as anybody looks at; a device that has more of them in one window is plainly unwell.
  static let maximum = 16
  /// How many intervals must pass without a message to make a gap.
  static let intervals: Int64 = 3

  static func threshold(_ interval: Span?) -> Span? {
    guard let interval, interval > .zero, interval < .hours(24 * 365) else { return nil }
    return Span(nanoseconds: interval.nanoseconds * intervals)
  }

  init() {}

  init(first: Timestamp?, last: Timestamp?, gaps: [Gap], more: Int) {
    self.first = first
    self.last = last
    self.gaps = gaps
    self.more = more
  }

  /// False where it came out of order among gaps that are only counted: the window must be computed again.
  mutating func note(_ time: Timestamp, threshold: Span?) -> Bool {
    guard let first, let last else {
      (self.first, self.last) = (time, time)
      return true
    }
    if time >= last {
      self.last = time
      if let threshold, time - last > threshold { append(Gap(start: last, end: time)) }
      return true
    }
    if time < first {
      self.first = time
      if let threshold, first - time > threshold {
        gaps.insert(Gap(start: time, end: first), at: 0)
        if gaps.count > Presence.maximum {
          gaps.removeLast()
          more += 1
        }
      }
      return true
    }
    guard let threshold else { return true }
    if let index = gaps.firstIndex(where: { $0.start < time && time < $0.end }) {
      let gap = gaps.remove(at: index)
      let parts = [Gap(start: gap.start, end: time), Gap(start: time, end: gap.end)]
        .filter { $0.end - $0.start > threshold }
      gaps.insert(contentsOf: parts, at: index)
      // With fewer in the list, one that was only counted belongs into it; with more, one falls out.
      if more > 0, gaps.count != Presence.maximum { return false }
      while gaps.count > Presence.maximum {
        gaps.removeLast()
        more += 1
      }
      return true
    }
    return more == 0 || gaps.last.map { time < $0.end } ?? true
  }

  private mutating func append(_ gap: Gap) {
    if gaps.count < Presence.maximum { gaps.append(gap) } else { more += 1 }
  }

  /// Joins a later window of the same device.
  mutating func merge(later: Presence, threshold: Span?) {
    guard let next = later.first else { return }
    if let last, let threshold, next - last > threshold { append(Gap(start: last, end: next)) }
    for gap in later.gaps { append(gap) }
    more += later.more
    first = first ?? later.first
    last = later.last
  }

  /// All gaps that touch the window, clipped to it: also those that began before it, or are still open at its end.
  ///
  /// - Parameter before: when the device was last heard before the window; `nil` where it never was.
  func gaps(
    in window: Range<Timestamp>, after before: Timestamp?, threshold: Span
  ) -> (list: [Gap], more: Int) {
    var all: [Gap] = []
    if let before, (first ?? window.upperBound) - before > threshold {
      all.append(Gap(start: max(window.lowerBound, before), end: first ?? window.upperBound))
    }
    all += gaps
    if let last, window.upperBound - last > threshold { all.append(Gap(start: last, end: window.upperBound)) }
    let excess = max(0, all.count - Presence.maximum)
    return (Array(all.prefix(Presence.maximum)), more + excess)
  }
}
