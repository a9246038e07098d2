import Telemetry

/// Decides which edge nodes should be asked to send their births again. A value: whoever publishes takes what is due.
///
/// A node is asked at most once in `interval`, and no longer once its birth has come.
public struct RebirthRequests: Sendable {
  /// A birth may be large and the link thin; a node that can't be understood for a minute more loses nothing that a
  /// request a second would save.
  static let interval = Span.seconds(60)

  private var lastAsked: [String: Timestamp] = [:]
  private var due: [String: Timestamp] = [:]
  /// How often a node's messages could not be understood without a birth, or had gaps.
  public private(set) var wanted: Int64 = 0

  init() {}

  /// - Parameter node: `group/node`.
  mutating func want(_ node: String, at time: Timestamp) {
    wanted += 1
    if let last = lastAsked[node], time < last + RebirthRequests.interval { return }
    lastAsked[node] = time
    due[node] = time
  }

  mutating func born(_ node: String) {
    due[node] = nil
    lastAsked[node] = nil
  }

  /// What is due since the last call, by name.
  mutating func take() -> [RebirthRequest] {
    defer { due.removeAll() }
    return due.sorted { $0.key < $1.key }.compactMap { RebirthRequest(node: $0.key, wantedAt: $0.value) }
  }
}

/// A command that asks an edge node of Sparkplug B for its births: to be published with QoS 0, not retained.
public struct RebirthRequest: Sendable, Hashable {
  public let topic: String
  /// When the message came that made it necessary. From a journal that is read again, it may be long ago: then there is
  /// nobody to ask.
  public let wantedAt: Timestamp

  init?(node: String, wantedAt: Timestamp) {
    guard let slash = node.firstIndex(of: "/") else { return nil }
    topic = "spBv1.0/\(node[..<slash])/NCMD/\(node[node.index(after: slash)...])"
    self.wantedAt = wantedAt
  }

  /// `Node Control/Rebirth` = true, in Sparkplug's protobuf.
  public func payload(at now: Timestamp) -> [UInt8] {
    var metric = RebirthRequest.field(1, Array("Node Control/Rebirth".utf8))
    // Field 4, the data type: 11 is Boolean. Field 14, the value.
    metric += [4 << 3, 11, 14 << 3, 1]
    let milliseconds = UInt64(clamping: now.nanoseconds / 1_000_000)
    return [1 << 3] + RebirthRequest.varint(milliseconds) + RebirthRequest.field(2, metric)
  }

  private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    [number << 3 | 2] + varint(UInt64(bytes.count)) + bytes
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    while rest > 0x7f {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}
