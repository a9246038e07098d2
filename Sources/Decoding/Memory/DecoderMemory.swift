import Telemetry

/// What a decoder knows from earlier messages: births of edge nodes, who is behind which bridge, and whose clock is off.
///
/// All of it is known *since* a message, by its sequence, so that a message that is read again, days later or by
/// another process, is read with what was known when it came.
final class DecoderMemory {
  /// The present message's.
  private(set) var sequence: Int64 = 0
  /// The latest message's that was ever read, also by an earlier process.
  private var newest: Int64 = .min
  /// Whether the present message is read for the first time.
  private(set) var isNews = true
  /// By topic: clocks that were ever found to be off.
  private var clocks: [String: ClockHistory] = [:]
  private(set) var news: [Remembered] = []
  private var nodes: [String: SparkplugNode] = [:]
  private var members: [String: [(device: Device, since: Int64)]] = [:]
  /// By scope and device.
  private var placed: Set<Place> = []
  var rebirths = RebirthRequests()

  private struct Place: Hashable {
    let scope: String
    let device: Int
  }

  /// Edge nodes remembered; more are refused.
  static let nodeLimit = 10_000

  /// Clocks remembered; others are believed as they are.
  private static let clockLimit = 10_000

  func arrive(_ sequence: Int64?) {
    self.sequence = sequence ?? self.sequence + 1
    isNews = self.sequence > newest
    newest = max(newest, self.sequence)
  }

  func remember(_ remembered: Remembered) { news.append(remembered) }

  func takeNews() -> [Remembered] {
    defer { news.removeAll(keepingCapacity: true) }
    return news
  }

  // MARK: - Edge nodes

  /// `nil` where there are too many.
  func node(_ name: String) -> SparkplugNode? {
    if let known = nodes[name] { return known }
    guard nodes.count < DecoderMemory.nodeLimit else { return nil }
    let node = SparkplugNode(name)
    nodes[name] = node
    return node
  }

  // MARK: - Bridges

  /// Its topics name a bridge, whichever source they come by: a will may have a source of its own.
  static func bridgeScope(_ bridge: String) -> String { "bridge\u{1f}\(bridge)" }

  /// The device is behind the bridge from the present message on.
  func place(_ device: Device, behind scope: String) {
    guard placed.insert(Place(scope: scope, device: device.index)).inserted else { return }
    members[scope, default: []].append((device, sequence))
    remember(
      Remembered(
        scope: scope, key: device.name, sequence: sequence, startsScope: false, replacesKey: false, content: []))
  }

  /// Those that were behind the bridge when the present message came, by name.
  func children(_ scope: String) -> [Device] {
    (members[scope] ?? []).filter { $0.since <= sequence }.map(\.device).sorted { $0.name < $1.name }
  }

  // MARK: - Clocks

  private static let clockScope = "clock\u{1f}"

  /// `nil` where it was never found to be off.
  func clock(_ topic: String) -> ClockHistory? { clocks[topic] }

  /// The estimate holds from the message after the present one on.
  func keep(_ estimate: ClockEstimate, _ topic: String) {
    guard clocks[topic] != nil || clocks.count < DecoderMemory.clockLimit else { return }
    add(estimate, topic, since: sequence)
    remember(
      Remembered(
        scope: DecoderMemory.clockScope + topic, key: "", sequence: sequence, startsScope: false, replacesKey: true,
        content: estimate.encoded))
  }

  private func add(_ estimate: ClockEstimate, _ topic: String, since sequence: Int64) {
    let history = clocks[topic] ?? ClockHistory()
    history.add(estimate, since: sequence)
    clocks[topic] = history
  }

  // MARK: - Keeping

  /// - Parameter last: the latest message that was read.
  func restore(_ remembered: [Remembered], through last: Int64, _ registry: Registry, _ limits: DecodingLimits) {
    newest = max(newest, last)
    for one in remembered.sorted(by: { $0.sequence < $1.sequence }) {
      sequence = max(sequence, one.sequence)
      if one.scope.hasPrefix(DecoderMemory.clockScope) {
        let topic = String(one.scope.dropFirst(DecoderMemory.clockScope.count))
        if let estimate = ClockEstimate(encoded: one.content) {
          add(estimate, topic, since: one.sequence)
        }
      } else if let name = SparkplugNode.name(ofScope: one.scope) {
        node(name)?.restore(one, limits)
      } else if let device = registry.device(named: one.key),
        placed.insert(Place(scope: one.scope, device: device.index)).inserted
      {
        members[one.scope, default: []].append((device, one.sequence))
      }
    }
  }

  /// No message before this one will be read again.
  func forget(before sequence: Int64) {
    for node in nodes.values { node.forget(before: sequence) }
    for clock in clocks.values { clock.forget(before: sequence) }
  }
}
