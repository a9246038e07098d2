/// What someone who mistyped a word probably meant.
enum Suggestion {
  /// Longer words are no typing mistakes of ours; the work for one is bounded by this length squared.
  private static let longest = 64

  /// The nearest of `candidates`, case aside, where it is near enough to be meant: about one slip in three letters.
  static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    let word = Array(word.lowercased().utf8)
    guard !word.isEmpty, word.count <= longest else { return nil }
    let allowed = max(1, word.count / 3)
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
      let letters = Array(candidate.lowercased().utf8)
      guard abs(letters.count - word.count) <= allowed, letters.count <= longest else { continue }
      let distance = distance(word, letters)
      if distance <= allowed, distance < (best?.distance ?? .max) { best = (candidate, distance) }
    }
    return best?.candidate
  }

  /// How many letters must be inserted, removed, replaced or swapped with their neighbour.
  static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 0..<a.count {
      var row = [Int](repeating: i + 1, count: b.count + 1)
      for j in 0..<b.count {
        var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
        row[j + 1] = cost
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}

/// `text` in quotes, as one short line that is safe on a terminal.
func quoted(_ text: some StringProtocol) -> String {
  let shown = text.prefix(80)
  return String(shown).debugDescription + (shown.endIndex < text.endIndex ? "…" : "")
}
