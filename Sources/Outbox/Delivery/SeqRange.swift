extension Store {
  /// Numbers from `first` to `last`, both included.
  struct Range: Equatable {
    let first: Int64
    let last: Int64

    /// Sorted, and neighbours as one, so that what is delivered ahead of a long backlog stays one row.
    static func coalesced(_ ranges: [Range]) -> [Range] {
      var result: [Range] = []
      for range in ranges.sorted(by: { $0.first < $1.first }) {
        if let previous = result.last, range.first <= previous.last || range.first == previous.last + 1 {
          result[result.count - 1] = Range(first: previous.first, last: max(previous.last, range.last))
        } else {
          result.append(range)
        }
      }
      return result
    }

    /// What is in both; each sorted and without overlaps.
    static func intersection(_ a: [Range], _ b: [Range]) -> [Range] {
      var result: [Range] = []
      var (i, j) = (0, 0)
      while i < a.count, j < b.count {
        let first = max(a[i].first, b[j].first)
        let last = min(a[i].last, b[j].last)
        if first <= last { result.append(Range(first: first, last: last)) }
        if a[i].last < b[j].last { i += 1 } else { j += 1 }
      }
      return result
    }
  }
}
