import Telemetry

/// What an open window keeps of all series of one kind.
///
/// A column for each kind, so that a reading changes what is kept of its series where it lies: out of an `enum` it would be
/// taken and put back with every reading.
struct SeriesColumn<Kept> {
  struct Entry {
    let series: Series
    var kept: Kept
  }

  var entries: [Entry] = []
  /// Where the next reading probably belongs: messages repeat their series in the same order.
  private var next = 0

  /// Where the series stands, put there by `make` where it is new.
  mutating func position(of series: Series, make: () -> Kept) -> Int {
    var position = next
    if position >= entries.count || entries[position].series !== series {
      if let known = entries.firstIndex(where: { $0.series === series }) {
        position = known
      } else {
        position = entries.count
        entries.append(Entry(series: series, kept: make()))
      }
    }
    next = position + 1
    if next == entries.count { next = 0 }
    return position
  }
}
