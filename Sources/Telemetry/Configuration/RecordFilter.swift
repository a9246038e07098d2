/// Which records a destination wants. Records that name no device (reports of the gateway on itself, accountings) are
/// chosen by their lane alone.
public struct RecordFilter: Sendable, Hashable {
  /// Lanes that are sent; empty for all.
  public var lanes: Set<Lane>
  /// Classes of devices; empty for all.
  public var classes: Set<DeviceClass>
  /// Sites; empty for all. A device without a site matches none.
  public var sites: [Glob]

  public init(lanes: Set<Lane> = [], classes: Set<DeviceClass> = [], sites: [Glob] = []) {
    self.lanes = lanes == Set(Lane.allCases) ? [] : lanes
    self.classes = classes == Set(DeviceClass.allCases) ? [] : classes
    self.sites = sites
  }

  /// Lets everything pass.
  public static let all = RecordFilter()

  public var passesAll: Bool { self == .all }
  private var looksInside: Bool { !classes.isEmpty || !sites.isEmpty }

  public func passes(_ lane: Lane) -> Bool { lanes.isEmpty || lanes.contains(lane) }

  /// - Parameter record: One JSON object, as the outbox takes it.
  public func passes(_ lane: Lane, _ record: [UInt8]) -> Bool {
    guard passes(lane) else { return false }
    guard looksInside, let tree = try? JSONTree(record), tree["device"] != nil else { return true }
    if !classes.isEmpty {
      guard let name = tree["class"]?.text, let deviceClass = DeviceClass(rawValue: name),
        classes.contains(deviceClass)
      else { return false }
    }
    if sites.isEmpty { return true }
    guard let site = tree["site"]?.text else { return false }
    return sites.contains { $0.matches(site) }
  }

  /// The same text for the same filter, whatever order the configuration has: what numberings are kept under.
  public var canonical: String {
    func list(_ key: String, _ words: [String]) -> String? {
      words.isEmpty ? nil : key + "=" + words.sorted().joined(separator: ",")
    }
    return [
      list("send", lanes.map(\.rawValue)), list("classes", classes.map(\.rawValue)),
      list("sites", sites.map(\.description)),
    ].compactMap(\.self).joined(separator: " ")
  }
}
