import Telemetry

/// `format = "json"`: metric tables point at values, or without any, every scalar leaf is a reading.
///
/// Of keys that stand twice in one object the first counts; the others are faults of the payload's. An empty text and
/// `null` are no value. A text longer than the limit is no reading.
final class JSONFormat: SourceFormat {
  /// Where a value goes in a reader's cache of series.
  struct Target {
    let metric: String
    let unit: String
    let kind: MetricKind
  }

  /// A leaf that the walk has found.
  struct Found {
    let slot: Int32
    let node: Int32
    let index: Int
  }

  enum Walk {
    case complete, tooManyValues, treeFull
  }

  let tree: PathTree
  let isOpen: Bool
  let time: TimeReader?
  /// Per mapping in a closed format; per slot, twice (number, state), in an open one.
  private(set) var targets: [Target] = []
  /// Of a closed format: the next mapping with the same path, by mapping; -1 where there is none. The first one's
  /// number is the slot of the path.
  private(set) var followers: [Int32] = []
  /// Of a closed format: whether the mapping is a gauge or counter, for the shortest way through.
  private(set) var isNumeric: [Bool] = []
  let mappings: [MetricMapping]
  let limits: DecodingLimits
  private let naming: Naming
  private let defaultName: DefaultName

  /// What the last walk found. By pointer, because an array's element costs a check of exclusive access.
  private(set) var found: UnsafeMutablePointer<Found>
  private(set) var foundCount = 0
  private var foundCapacity = 64
  private(set) var timeIndex = -1
  private var leaves = 0
  private var stamp: UInt32 = 0

  /// Keys without a mapping that a closed tree learns, to pass over them as fast as over the others.
  private static let learned = 256

  /// `names` is the format whose devices the source's topics name: with metric tables, a source may have `format =
  /// "tasmota"` only for its names and times.
  init(_ setup: SourceSetup, names: BuiltInFormat) throws(DecoderSetupFault) {
    let source = setup.source
    limits = setup.limits
    mappings = source.metrics
    isOpen = mappings.isEmpty
    naming = setup.naming(names.defaultClass)
    defaultName = DefaultName(names, source: source)
    time = try setup.timeReader() ?? JSONFormat.impliedTime(names, setup.zone)
    // What the configuration points at is always there.
    tree = PathTree(limit: .max)
    found = .allocate(capacity: foundCapacity)
    for (number, mapping) in mappings.enumerated() {
      guard let pointer = JSONPointer(mapping.path) else {
        throw setup.fault(
          "metric[\(number)].path", setup.pointerFault(mapping.path), hint: setup.pointerHint(mapping.path))
      }
      targets.append(Target(metric: mapping.name, unit: mapping.unit, kind: mapping.kind))
      isNumeric.append(mapping.kind == .gauge || mapping.kind == .counter)
      followers.append(-1)
      let node = Int(tree.add(pointer))
      if tree.nodes[node].slot < 0 {
        tree.nodes[node].slot = Int32(number)
      } else {
        var last = Int(tree.nodes[node].slot)
        while followers[last] >= 0 { last = Int(followers[last]) }
        followers[last] = Int32(number)
      }
    }
    markTime()
    tree.limit = isOpen ? max(setup.limits.paths, tree.count + 1) : tree.count + JSONFormat.learned
  }

  deinit { found.deallocate() }

  /// Why a payload without any reading is refused.
  var nothing: String {
    guard !isOpen else { return "no number, boolean or text in it" }
    let shown = mappings.prefix(5).map { $0.path.isEmpty ? "(the whole)" : $0.path }.joined(separator: ", ")
    return "no value at any mapped path: \(shown)\(mappings.count > 5 ? ", …" : "")"
  }

  /// What a leaf is to this format, for an explanation.
  func meaning(ofLeafAt path: String, _ tokens: [String]) -> (metrics: [String], use: String?) {
    let isTime = time?.text == path
    guard isOpen else {
      return (mappings.filter { $0.path == path }.map(\.name), isTime ? "the time" : nil)
    }
    return isTime ? ([], "the time") : ([tokens.isEmpty ? "value" : tokens.joined(separator: ".")], nil)
  }

  private static func impliedTime(_ names: BuiltInFormat, _ zone: LocalZone) -> TimeReader? {
    let place: (path: String, unit: TimeMapping.Unit)? =
      switch names {
      case .tasmota: ("/Time", .iso)
      case .onvif: ("/UtcTime", .iso)
      case .axis: ("/timestamp", .milliseconds)
      default: nil
      }
    return place.flatMap { place in
      JSONPointer(place.path).map { TimeReader(pointer: $0, text: place.path, unit: place.unit, zone: zone) }
    }
  }

  private func markTime() {
    guard let time else { return }
    let node = tree.add(time.pointer)
    if node >= 0 { tree.nodes[Int(node)].isTime = true }
  }

  func reader(for topic: RoutedTopic, _ message: Message) -> any TopicReader {
    let named = defaultName.of(topic)
    guard let device = naming.device(topic.captures, default: named.device, extra: named.captures) else {
      return SilentReader.deviceLimit
    }
    return JSONReader(self, device: device)
  }

  // MARK: - Walking

  /// Gathers the leaves of a document in `found`.
  func walk(_ root: JSONValue, _ message: Message) -> Walk {
    var result = walkOnce(root, message)
    if result == .treeFull, isOpen {
      tree.reset()
      targets.removeAll()
      markTime()
      result = walkOnce(root, message)
    }
    return result
  }

  private func walkOnce(_ root: JSONValue, _ message: Message) -> Walk {
    foundCount = 0
    timeIndex = -1
    leaves = 0
    stamp = tree.nextStamp()
    return visit(root, 0, message)
  }

  private func visit(_ value: JSONValue, _ node: Int32, _ message: Message) -> Walk {
    leaves += 1
    guard leaves <= limits.fields else { return .tooManyValues }
    let stored = tree.nodes + Int(node)
    if stored.pointee.isTime { timeIndex = value.index }
    switch value.type {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      if !isOpen {
        if stored.pointee.slot >= 0 { find(stored.pointee.slot, node, value.index) }
        guard stored.pointee.first >= 0 else { return .complete }
      }
      return value.type == UInt8(ascii: "{") ? visitObject(value, node, message) : visitArray(value, node, message)
    case UInt8(ascii: "n"): break
    default:
      if stored.pointee.slot >= 0 {
        find(stored.pointee.slot, node, value.index)
      } else if isOpen, !stored.pointee.isTime {
        find(makeSlot(node), node, value.index)
      }
    }
    return .complete
  }

  @inline(__always)
  private func find(_ slot: Int32, _ node: Int32, _ index: Int) {
    if foundCount == foundCapacity {
      let grown = UnsafeMutablePointer<Found>.allocate(capacity: foundCapacity * 2)
      grown.moveInitialize(from: found, count: foundCount)
      found.deallocate()
      found = grown
      foundCapacity *= 2
    }
    (found + foundCount).initialize(to: Found(slot: slot, node: node, index: index))
    foundCount += 1
  }

  /// Where a key or index leads that is not where it was in the last payload: the node, made where it is new; -1 where
  /// the tree is full. Where it was is remembered.
  private func stray(_ parent: Int32, after previous: Int32, _ known: Int32, _ make: () -> Int32) -> Int32 {
    let child = known >= 0 ? known : make()
    guard child >= 0 else { return -1 }
    if previous >= 0 { tree.nodes[Int(previous)].next = child } else { tree.nodes[Int(parent)].first = child }
    return child
  }

  private func visitObject(_ object: JSONValue, _ node: Int32, _ message: Message) -> Walk {
    var at = object.index + 1
    let end = object.end
    var previous: Int32 = -1
    var child = tree.nodes[Int(node)].first
    while at < end {
      let value = object.at(at + 1)
      let key = object.at(at).text
      at = value.next
      if child < 0 || !tree.matches(child, key) {
        child = stray(node, after: previous, tree.child(node, key)) { tree.add(node, key) }
        if child < 0 {
          if isOpen { return .treeFull }
          continue
        }
      }
      previous = child
      if tree.nodes[Int(child)].stamp == stamp {
        if isOpen || isWanted(child) {
          message.fault(DecodingFault(path: tree.pointer(child), "the key stands twice; the first one counts"))
        }
      } else {
        tree.nodes[Int(child)].stamp = stamp
        let result = visit(value, child, message)
        guard result == .complete else { return result }
      }
      child = tree.nodes[Int(child)].next
    }
    return .complete
  }

  /// Whether the configuration points here or below.
  private func isWanted(_ node: Int32) -> Bool {
    let stored = tree.nodes[Int(node)]
    return stored.slot >= 0 || stored.isTime || stored.first >= 0
  }

  private func visitArray(_ array: JSONValue, _ node: Int32, _ message: Message) -> Walk {
    var previous: Int32 = -1
    var child = tree.nodes[Int(node)].first
    for (position, value) in array.elements.enumerated() {
      if child < 0 || tree.nodes[Int(child)].arrayIndex != Int32(truncatingIfNeeded: position) {
        child = stray(node, after: previous, tree.child(node, arrayIndex: position)) {
          tree.add(node, arrayIndex: position)
        }
        if child < 0 {
          if isOpen { return .treeFull }
          continue
        }
      }
      previous = child
      tree.nodes[Int(child)].stamp = stamp
      let result = visit(value, child, message)
      guard result == .complete else { return result }
      child = tree.nodes[Int(child)].next
    }
    return .complete
  }

  private func makeSlot(_ node: Int32) -> Int32 {
    let slot = Int32(targets.count / 2)
    let tokens = tree.tokens(node)
    // A payload that is one bare value has no path to be named by.
    let path = tokens.joined(separator: ".")
    let name = path.isEmpty ? "value" : path
    targets.append(Target(metric: name, unit: "1", kind: .gauge))
    targets.append(Target(metric: name, unit: "1", kind: .state))
    tree.nodes[Int(node)].slot = slot
    return slot
  }
}
