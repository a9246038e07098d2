/// Gives names to the levels of a shape that differ.
enum CaptureNames {
  struct Named {
    var segments: [Segment]
    /// `{site}/{device}`; `nil` where nothing differs.
    var device: String?
    /// `{site}`, where one of the levels seems to name a place.
    var site: String?
  }

  /// - Parameter values: for each level that differs, in order, a few of its values.
  static func name(_ segments: [Segment], values: [[String]], last: String = "device") -> Named {
    let count = segments.count { $0.isIdentity }
    guard count > 0 else { return Named(segments: segments) }
    var named = Named(segments: segments)
    var number = 0
    var names: [String] = []
    var previous: String?
    for (index, segment) in segments.enumerated() {
      if case .word(let word) = segment { previous = word }
      guard segment.isIdentity else { continue }
      var name = number == count - 1 ? last : number == 0 ? "group" : "group\(number + 1)"
      if number < count - 1, named.site == nil, isPlace(previous, number < values.count ? values[number] : []) {
        name = "site"
        named.site = "{site}"
      }
      names.append(name)
      named.segments[index] = .capture(name)
      previous = nil
      number += 1
    }
    named.device = names.map { "{\($0)}" }.joined(separator: "/")
    return named
  }

  private static func isPlace(_ previous: String?, _ values: [String]) -> Bool {
    if let previous, Words.split(previous).contains(where: Words.places.contains) { return true }
    let hits = values.count { Words.split($0).contains(where: Words.places.contains) }
    return hits * 2 > values.count
  }
}
