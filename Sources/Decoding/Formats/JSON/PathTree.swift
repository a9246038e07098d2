/// The paths of a source's payloads: each key is looked up by its place in the tree, and mostly stands where it stood
/// in the payload before, so that a walk compares each key once and makes no string.
///
/// At its limit, an open format empties it (`generation` then counts on) and begins again; a closed one goes on with
/// what it has.
final class PathTree {
  struct Node {
    var parent: Int32
    /// The child that the last payload had first; -1 where there are no children.
    var first: Int32 = -1
    /// The sibling that followed in the last payload; -1 where none did.
    var next: Int32 = -1
    var keyStart: Int32
    var keyCount: Int32
    /// The key as an array index; -1 where it is none.
    var arrayIndex: Int32 = -1
    /// What the owner keeps for the leaf here; -1 where nothing.
    var slot: Int32 = -1
    var isTime = false
    /// The number of the message in which this node was last seen: twice in one is a duplicate key.
    var stamp: UInt32 = 0
  }

  private(set) var nodes: UnsafeMutablePointer<Node>
  private(set) var keys: UnsafeMutablePointer<UInt8>
  private var nodeCount = 0
  private var nodeCapacity: Int
  private var keyCount = 0
  private var keyCapacity: Int
  private var index = ByteTable<Int32>()
  /// Nodes, the root included.
  var limit: Int
  private(set) var generation: UInt32 = 0
  private var stamp: UInt32 = 0

  init(limit: Int) {
    self.limit = limit
    nodeCapacity = 64
    keyCapacity = 1024
    nodes = .allocate(capacity: nodeCapacity)
    keys = .allocate(capacity: keyCapacity)
    appendRoot()
  }

  deinit {
    nodes.deallocate()
    keys.deallocate()
  }

  private func appendRoot() {
    (nodes + 0).initialize(to: Node(parent: -1, keyStart: 0, keyCount: 0))
    nodeCount = 1
    keyCount = 0
  }

  func reset() {
    index.removeAll()
    generation &+= 1
    appendRoot()
  }

  /// A number for the next message.
  func nextStamp() -> UInt32 {
    stamp &+= 1
    if stamp == 0 {
      for node in 0..<nodeCount { nodes[node].stamp = 0 }
      stamp = 1
    }
    return stamp
  }

  @inline(__always)
  func matches(_ node: Int32, _ key: UnsafeRawBufferPointer) -> Bool {
    let stored = nodes[Int(node)]
    guard Int(stored.keyCount) == key.count, let base = key.baseAddress else { return stored.keyCount == key.count }
    return compareBytes(keys + Int(stored.keyStart), base, key.count)
  }

  var count: Int { nodeCount }

  /// -1 where there is none.
  func child(_ parent: Int32, _ key: UnsafeRawBufferPointer) -> Int32 {
    index.find(key, salt: UInt64(UInt32(bitPattern: parent))) ?? -1
  }

  func child(_ parent: Int32, arrayIndex: Int) -> Int32 {
    withDecimal(arrayIndex) { child(parent, $0) }
  }

  /// -1 where the tree is full.
  func add(_ parent: Int32, _ key: UnsafeRawBufferPointer) -> Int32 {
    guard nodeCount < limit, keyCount + key.count < Int(Int32.max) else { return -1 }
    reserve(key.count)
    if let base = key.baseAddress {
      UnsafeMutableRawPointer(keys + keyCount).copyMemory(from: base, byteCount: key.count)
    }
    let made = Int32(nodeCount)
    var node = Node(parent: parent, keyStart: Int32(keyCount), keyCount: Int32(key.count))
    node.arrayIndex = JSONPointer.arrayIndex(key).map(Int32.init) ?? -1
    (nodes + nodeCount).initialize(to: node)
    nodeCount += 1
    keyCount += key.count
    if nodes[Int(parent)].first < 0 { nodes[Int(parent)].first = made }
    index.insert(made, for: key, salt: UInt64(UInt32(bitPattern: parent)))
    return made
  }

  func add(_ parent: Int32, arrayIndex: Int) -> Int32 {
    withDecimal(arrayIndex) { add(parent, $0) }
  }

  /// The node at a pointer, made where it is not there yet; -1 where the tree is full.
  func add(_ pointer: JSONPointer) -> Int32 {
    var node: Int32 = 0
    for token in pointer.tokens where node >= 0 {
      node = token.withUnsafeBytes { key in
        let known = child(node, key)
        return known >= 0 ? known : add(node, key)
      }
    }
    return node
  }

  private func reserve(_ keyBytes: Int) {
    if nodeCount == nodeCapacity {
      let grown = UnsafeMutablePointer<Node>.allocate(capacity: nodeCapacity * 2)
      grown.moveInitialize(from: nodes, count: nodeCount)
      nodes.deallocate()
      nodes = grown
      nodeCapacity *= 2
    }
    if keyCount + keyBytes > keyCapacity {
      let capacity = max(keyCapacity * 2, keyCount + keyBytes)
      let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
      grown.moveInitialize(from: keys, count: keyCount)
      keys.deallocate()
      keys = grown
      keyCapacity = capacity
    }
  }

  private func withDecimal<Result>(_ number: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var text = String(number)
    return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
  }

  // MARK: - Names

  /// The keys on the way from the root.
  func tokens(_ node: Int32) -> [String] {
    var tokens: [String] = []
    var at = node
    while at > 0 {
      let stored = nodes[Int(at)]
      let bytes = UnsafeRawBufferPointer(start: keys + Int(stored.keyStart), count: Int(stored.keyCount))
      tokens.append(String(utf8: bytes))
      at = stored.parent
    }
    return tokens.reversed()
  }

  func pointer(_ node: Int32) -> String {
    tokens(node).map { "/" + JSONPointer.escape($0) }.joined()
  }
}
