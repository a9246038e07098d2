/// The subscriptions that cover a list of filters without overlapping one another.
///
/// With MQTT 5 a broker delivers a message once for each overlapping subscription, so a gateway whose sources
/// overlap would store it twice. The cover may be wider than the filters together (`a/+/x` and `a/b/+` become
/// `a/+/+`); what matches no source is dropped by the route, uncounted as a fault.
public enum TopicCover {
  public static func cover(_ filters: [TopicFilter]) -> [TopicFilter] {
    var cover: [TopicFilter] = []
    for filter in filters {
      var merged = filter
      // Merging widens, and a wider filter may overlap what it didn't before: until nothing overlaps.
      while let index = cover.firstIndex(where: { $0.overlaps(merged) }) {
        merged = union(cover.remove(at: index), merged)
      }
      cover.append(merged)
    }
    return cover.sorted { $0.description < $1.description }
  }

  /// The narrowest filter that matches whatever either does.
  static func union(_ a: TopicFilter, _ b: TopicFilter) -> TopicFilter {
    var levels: [TopicFilter.Level] = []
    for index in 0..<max(a.levels.count, b.levels.count) {
      guard index < a.levels.count, index < b.levels.count, a.levels[index] != .rest, b.levels[index] != .rest else {
        levels.append(.rest)
        break
      }
      levels.append(a.levels[index] == b.levels[index] ? a.levels[index] : .single)
    }
    return TopicFilter(levels: levels)
  }
}
