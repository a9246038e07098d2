import Telemetry

/// What is known of an edge node and of the devices behind it, and since when.
///
/// Births and deaths are marks on a time line for the node (its key is empty) and for each device; the one that a
/// message is read with is the last before it.
final class SparkplugNode {
  /// What a birth names.
  final class Birth {
    private(set) var byAlias: [UInt64: Known] = [:]
    private(set) var byName: [String: Known] = [:]
    var bdSeq: UInt64?

    struct Known: Equatable {
      let name: String
      let datatype: UInt64?
      /// UCUM.
      let unit: String?
    }

    /// Does nothing where there are more than `limit`.
    func learn(_ metric: Known, alias: UInt64?, limit: Int) {
      guard byName.count < limit || byName[metric.name] != nil else { return }
      byName[metric.name] = metric
      if let alias { byAlias[alias] = metric }
    }

    func says(theSameAs other: Birth) -> Bool {
      bdSeq == other.bdSeq && byAlias == other.byAlias && byName == other.byName
    }
  }

  private struct Mark {
    let sequence: Int64
    /// `nil` for a death.
    let birth: Birth?
  }

  /// Marks of one time line; a device that is born more often than this while its messages are still kept is broken,
  /// and its oldest births are forgotten.
  private static let markLimit = 1024
  /// Devices of one node.
  private static let deviceLimit = 10_000

  let name: String
  private var lines: [String: [Mark]] = [:]
  private var devices: [String: Device] = [:]
  private var lastSeq: UInt64?
  private var lastSeqAt = Int64.min
  /// Whether `forget` has anything to do.
  private var hasHistory = false

  init(_ name: String) { self.name = name }

  var scope: String { "sparkplug\u{1f}\(name)" }

  static func name(ofScope scope: String) -> String? {
    let prefix = "sparkplug\u{1f}"
    return scope.hasPrefix(prefix) ? String(scope.dropFirst(prefix.count)) : nil
  }

  /// Where the birth came by, without levels before the namespace; `nil` where it is no birth.
  static func birthTopic(of remembered: Remembered) -> String? {
    guard let name = name(ofScope: remembered.scope), !remembered.content.isEmpty else { return nil }
    let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    return remembered.key.isEmpty
      ? "spBv1.0/\(parts[0])/NBIRTH/\(parts[1])" : "spBv1.0/\(parts[0])/DBIRTH/\(parts[1])/\(remembered.key)"
  }

  // MARK: - Births and deaths

  /// The birth that holds for the node, or for a device behind it, at a message. Births and deaths of the node end those
  /// of its devices.
  func birth(_ key: String, at sequence: Int64) -> Birth? {
    guard let own = lines[key]?.last(where: { $0.sequence <= sequence }) else { return nil }
    if !key.isEmpty, let node = lines[""]?.last(where: { $0.sequence <= sequence }), node.sequence > own.sequence {
      return nil
    }
    return own.birth
  }

  /// Takes down a birth, or a death where it is `nil`. `false` where that was known already, or there is no room.
  func add(_ key: String, _ birth: Birth?, at sequence: Int64) -> Bool {
    var line = lines[key] ?? []
    guard !line.contains(where: { $0.sequence == sequence }) else { return false }
    guard lines[key] != nil || lines.count <= SparkplugNode.deviceLimit else { return false }
    var shared = birth
    if let birth, let last = line.last?.birth, last.says(theSameAs: birth) { shared = last }
    let place = line.lastIndex { $0.sequence < sequence }.map { $0 + 1 } ?? 0
    line.insert(Mark(sequence: sequence, birth: shared), at: place)
    if line.count > SparkplugNode.markLimit { line.removeFirst() }
    if line.count > 1 { hasHistory = true }
    lines[key] = line
    return true
  }

  /// The device that stands for a name in the topic.
  func add(_ key: String, _ device: Device) { devices[key] = device }

  /// Devices that lived behind the node before a message.
  func living(before sequence: Int64, _ find: (String) -> Device?) -> [Device] {
    lines.keys.sorted().compactMap { key in
      key.isEmpty || birth(key, at: sequence - 1) == nil ? nil : devices[key] ?? find(key)
    }
  }

  // MARK: - Sequence numbers

  /// Counts `seq` on; the number that was expected, where another one came. It goes from 0 to 255 and round. Messages
  /// that are read again count nothing.
  func gap(_ seq: UInt64?, isBirth: Bool, at sequence: Int64) -> UInt64? {
    guard sequence > lastSeqAt, let seq else { return nil }
    lastSeqAt = sequence
    defer { lastSeq = seq & 255 }
    guard !isBirth, let lastSeq else { return nil }
    let expected = (lastSeq + 1) & 255
    return seq == expected ? nil : expected
  }

  /// After a death, any number may come.
  func lostCount(at sequence: Int64) {
    if sequence > lastSeqAt { lastSeq = nil }
  }

  // MARK: - Keeping

  /// Takes up what `DecoderMemory` was given back.
  func restore(_ remembered: Remembered, _ limits: DecodingLimits) {
    guard !remembered.content.isEmpty else {
      _ = add(remembered.key, nil, at: remembered.sequence)
      return
    }
    remembered.content.withUnsafeBytes { bytes in
      guard let payload = try? SparkplugPayload(bytes, limit: limits.fields) else { return }
      _ = add(remembered.key, SparkplugNode.read(payload, limits), at: remembered.sequence)
    }
  }

  /// What a birth names; metrics beyond the limits are left out.
  static func read(_ payload: SparkplugPayload, _ limits: DecodingLimits) -> Birth {
    let birth = Birth()
    birth.bdSeq = payload.bdSeq
    learn(payload.metrics, "", birth, limits, depth: 0)
    return birth
  }

  private static func learn(
    _ metrics: [SparkplugPayload.Metric], _ prefix: String, _ birth: Birth, _ limits: DecodingLimits, depth: Int
  ) {
    for metric in metrics {
      guard let own = metric.name, !own.isEmpty, own.count <= limits.textBytes else { continue }
      let name = prefix + String(utf8: own)
      birth.learn(
        Birth.Known(name: name, datatype: metric.datatype, unit: SparkplugType.unit(metric.properties.unit)),
        alias: metric.alias, limit: limits.fields)
      guard case .template(let bytes, let origin) = metric.value, depth < SparkplugPayload.templateDepth,
        let members = try? SparkplugPayload.members(ofTemplate: bytes, origin: origin, limit: limits.fields)
      else { continue }
      learn(members, name + "/", birth, limits, depth: depth + 1)
    }
  }

  func forget(before sequence: Int64) {
    guard hasHistory else { return }
    hasHistory = false
    for (key, line) in lines where line.count > 1 {
      // The last one before holds until the next.
      let needed = line.lastIndex { $0.sequence < sequence } ?? 0
      if needed > 0 { lines[key] = Array(line[needed...]) }
      if line.count - needed > 1 { hasHistory = true }
    }
  }
}
