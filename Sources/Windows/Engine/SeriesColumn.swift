import Telemetry

/// What an open window keeps of all series of one kind.
///
/// A column for each kind, so that a reading changes its series' figures where they lie: out of an `enum` they would be
/// taken and put back with every reading.
struct SeriesColumn<Figures> {
  struct Entry {
    let series: Series
    var figures: Figures
  }

  var entries: [Entry] = []
  /// Where the next reading probably belongs: messages repeat their series in the same order.
  private var next = 0

  /// Where the series stands, put there by `make` where it is new.
  mutating func position(of series: Series, make: () -> Figures) -> Int {
    var position = next
    if position >= entries.count || entries[position].series !== series {
      if let known = entries.firstIndex(where: { $0.series === series }) {
        position = known
      } else {
        position = entries.count
        entries.append(Entry(series: series, figures: make()))
      }
    }
    next = position + 1
    if next == entries.count { next = 0 }
    return position
  }
}
