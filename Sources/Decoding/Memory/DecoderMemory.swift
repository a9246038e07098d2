import Telemetry

/// What a decoder knows from earlier messages: births of edge nodes, and who is behind which bridge.
///
/// All of it is known *since* a message, by its sequence, so that a message that is read again, days later or by
/// another process, is read with what was known when it came.
final class DecoderMemory {
  /// The present message's.
  var sequence: Int64 = 0
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

  // MARK: - Keeping

  func restore(_ remembered: [Remembered], _ registry: Registry, _ limits: DecodingLimits) {
    for one in remembered.sorted(by: { $0.sequence < $1.sequence }) {
      sequence = max(sequence, one.sequence)
      if let name = SparkplugNode.name(ofScope: one.scope) {
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
  }
}
