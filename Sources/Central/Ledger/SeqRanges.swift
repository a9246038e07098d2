/// Which sequence numbers have come: a set of whole numbers kept as disjoint closed ranges in ascending order, so that
/// a million numbers without a hole cost one range.
public struct SeqRanges: Sendable, Equatable {
  /// Ascending, disjoint, and never adjacent: 1...3 and 4...5 are one range.
  public private(set) var ranges: [ClosedRange<Int64>] = []

  public init() {}

  /// - Parameter ranges: in any order, overlapping as they like.
  public init(_ ranges: some Sequence<ClosedRange<Int64>>) {
    for range in ranges { insert(range) }
  }

  public var isEmpty: Bool { ranges.isEmpty }
  public var highest: Int64? { ranges.last?.upperBound }

  public mutating func insert(_ range: ClosedRange<Int64>) {
    // Neighbours that touch are swallowed too; the saturation only matters at the ends of Int64.
    let below = range.lowerBound == .min ? .min : range.lowerBound - 1
    let above = range.upperBound == .max ? .max : range.upperBound + 1
    let start = firstIndex(endingAtOrAfter: below)
    var end = start
    var merged = range
    while end < ranges.count, ranges[end].lowerBound <= above {
      merged = min(merged.lowerBound, ranges[end].lowerBound)...max(merged.upperBound, ranges[end].upperBound)
      end += 1
    }
    ranges.replaceSubrange(start..<end, with: CollectionOfOne(merged))
  }

  /// Whether every number of `range` is here.
  public func contains(_ range: ClosedRange<Int64>) -> Bool {
    let index = firstIndex(endingAtOrAfter: range.upperBound)
    return index < ranges.count && ranges[index].lowerBound <= range.lowerBound
  }

  public func contains(_ number: Int64) -> Bool { contains(number...number) }

  /// The holes from `first` up to the highest number that is here; none beyond it, since what comes next is unknown.
  ///
  /// - Parameter limit: at most so many, the lowest first.
  public func missing(from first: Int64 = 1, limit: Int = .max) -> [ClosedRange<Int64>] {
    var holes: [ClosedRange<Int64>] = []
    var next = first
    for range in ranges where range.upperBound >= first {
      if holes.count >= limit { break }
      if range.lowerBound > next { holes.append(next...range.lowerBound - 1) }
      if range.upperBound == .max { break }
      next = range.upperBound + 1
    }
    return holes
  }

  private func firstIndex(endingAtOrAfter number: Int64) -> Int {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < number { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
