/// Finds which levels of topics name a device and which name a kind of message.
///
/// Levels that look numbered, and levels beneath which everything looks alike, are identities; the rest are words. What
/// lies beneath identities is looked at together, so that what holds for one of them holds for all.
struct TopicClusters {
  /// A topic, and what its payloads look like; topics whose last levels differ and whose looks are the same may be of
  /// several devices. An empty look is like no other.
  struct Item {
    let levels: [String]
    let look: String
  }

  private final class Node {
    var children: [String: Node] = [:]
    var items: [Int] = []
  }

  private let items: [Item]
  /// A wildcard at the first level would take everything.
  private let keepsFirstLevel: Bool
  private var shapes: [TopicShape] = []

  /// So many lines of a subtree tell it from others.
  private static let signatureLength = 24
  /// Beneath the first level, so many alike are needed to take it for an identity.
  private static let firstLevelCount = 3

  private init(_ items: [Item], keepsFirstLevel: Bool) {
    self.items = items
    self.keepsFirstLevel = keepsFirstLevel
  }

  /// In a stable order.
  static func shapes(of items: [Item], keepsFirstLevel: Bool = false) -> [TopicShape] {
    var clusters = TopicClusters(items, keepsFirstLevel: keepsFirstLevel)
    let root = Node()
    for (index, item) in items.enumerated() {
      var node = root
      for level in item.levels {
        if let next = node.children[level] {
          node = next
        } else {
          let next = Node()
          node.children[level] = next
          node = next
        }
      }
      node.items.append(index)
    }
    clusters.visit([root], [])
    return clusters.shapes
  }

  private mutating func visit(_ nodes: [Node], _ prefix: [Segment]) {
    let ends = nodes.flatMap(\.items)
    if !ends.isEmpty { shapes.append(TopicShape(segments: prefix, members: ends.sorted())) }
    var byWord: [String: [Node]] = [:]
    for node in nodes {
      for (word, child) in node.children { byWord[word, default: []].append(child) }
    }
    let words = byWord.keys.sorted()
    let identities = identities(words, byWord, isFirst: prefix.isEmpty)
    for word in words where !identities.contains(word) { visit(byWord[word] ?? [], prefix + [.word(word)]) }
    let merged = words.filter(identities.contains).flatMap { byWord[$0] ?? [] }
    if !merged.isEmpty { visit(merged, prefix + [.identity]) }
  }

  private func identities(_ words: [String], _ nodes: [String: [Node]], isFirst: Bool) -> Set<String> {
    if isFirst, keepsFirstLevel { return [] }
    var identities = Set(words.filter(Words.isIdentity))
    var alike: [String: [String]] = [:]
    for word in words where !Words.isSubject(word) {
      guard let signature = signature(nodes[word] ?? []) else { continue }
      alike[signature, default: []].append(word)
    }
    // Those that look like a numbered one are its siblings, even where there is only one of them.
    for (_, group) in alike where group.count > 1 { identities.formUnion(group) }
    let isPlain = isFirst && !alike.values.contains { $0.count >= TopicClusters.firstLevelCount }
    return isPlain ? [] : identities
  }

  /// What lies beneath a level, in a few lines; `nil` where that isn't enough to take two for the same.
  private func signature(_ nodes: [Node]) -> String? {
    var lines: Set<String> = []
    var isTelling = false
    func walk(_ node: Node, _ path: String, _ depth: Int) {
      guard lines.count < TopicClusters.signatureLength * 4 else { return }
      if let item = node.items.first {
        let look = items[item].look
        if look.hasPrefix("{") { isTelling = true }
        // Single values tell something by their names alone.
        if depth > 0, lines.insert(path + " " + look).inserted, lines.count > 1 { isTelling = true }
        if depth == 0 { lines.insert(look) }
      }
      for (word, child) in node.children { walk(child, path + "/" + (Words.isIdentity(word) ? "+" : word), depth + 1) }
    }
    for node in nodes { walk(node, "", 0) }
    guard isTelling, lines.count <= TopicClusters.signatureLength else { return nil }
    return lines.sorted().joined(separator: "\n")
  }
}
