import Telemetry

/// How one message was decoded: for people who write mappings.
public struct Explanation: Sendable {
  public struct Reading: Sendable {
    public let observation: Observation
    /// JSON Pointer of the value; `nil` where the format doesn't tell, or a constant was said.
    public internal(set) var path: String?
  }

  /// A value of the payload that became no observation.
  public struct Leaf: Sendable, Equatable {
    public let path: String
    /// Why it was left out, or what it was used for.
    public let reason: String
  }

  public let outcome: Decoder.Outcome
  /// The source that took the message; `nil` where none did.
  public let source: String?
  public let format: String?
  /// The profile's `[[message]]`.
  public private(set) var rule: String?
  /// Sorted by name.
  public private(set) var captures: [Series.Label]
  public private(set) var readings: [Reading]
  /// Values that said something else: the time, a label, a condition.
  public private(set) var used: [Leaf] = []
  public private(set) var leftOut: [Leaf] = []
  /// Whether `used` and `leftOut` are complete: not where the payload could not be read, or has too many values.
  public private(set) var hasLeaves = false

  init(
    _ outcome: Decoder.Outcome, _ observations: [Observation], source: String?, format: String?,
    captures: [String: String]
  ) {
    self.outcome = outcome
    self.source = source
    self.format = format
    self.captures = Explanation.sorted(captures)
    readings = observations.map { Reading(observation: $0, path: nil) }
  }

  private static func sorted(_ captures: [String: String]) -> [Series.Label] {
    captures.map { Series.Label($0.key, $0.value) }.sorted()
  }

  mutating func add(_ trace: MappingTrace, root: JSONValue?) {
    rule = trace.rule
    if trace.rule != nil { captures = Explanation.sorted(trace.captures) }
    for (index, path) in trace.taken.enumerated() where index < readings.count { readings[index].path = path }
    guard let root else { return }
    hasLeaves = true
    let taken = Set(trace.taken.compactMap { $0 })
    var uses: [String: String] = [:]
    for (path, use) in trace.used where uses[path] == nil { uses[path] = use }
    var reasons: [String: String] = [:]
    for (path, reason) in trace.left { reasons[path] = reason }
    Explanation.leaves(root) { path, _ in
      if let use = uses[path] { used.append(Leaf(path: path, reason: use)) }
      if taken.contains(path) || uses[path] != nil { return }
      leftOut.append(Leaf(path: path, reason: reasons[path] ?? "no metric points here"))
    }
  }

  /// What the reader itself told of its values.
  mutating func add(told trace: MappingTrace) {
    hasLeaves = true
    for (index, path) in trace.taken.enumerated() where index < readings.count { readings[index].path = path }
    used = trace.used.map { Leaf(path: $0.path, reason: $0.use) }
    leftOut = trace.left.map { Leaf(path: $0.path, reason: $0.reason) }
  }

  /// Where nobody told of parts, the payload is one word or one number: what came of it came of the whole.
  mutating func addWhole() {
    guard used.isEmpty, leftOut.isEmpty, readings.allSatisfy({ $0.path == nil }) else { return }
    for index in readings.indices { readings[index].path = "" }
    if case .ignored(let why) = outcome { leftOut.append(Leaf(path: "", reason: why)) }
  }

  mutating func add(_ findings: [(path: String, finding: LeafProbe.Finding)], _ known: [LeftOut]) {
    hasLeaves = true
    for (path, finding) in findings {
      switch finding {
      case .gives(let positions):
        for position in positions where position < readings.count {
          if readings[position].path == nil {
            readings[position].path = path
          } else {
            used.append(Leaf(path: path, reason: "belongs to a reading's value"))
          }
        }
      case .says(let what): used.append(Leaf(path: path, reason: what))
      case .nothing:
        let reason = known.first { $0.covers(path) }?.reason
        leftOut.append(Leaf(path: path, reason: reason ?? "the format makes nothing of it"))
      }
    }
  }

  mutating func add(_ format: JSONFormat, root: JSONValue) {
    hasLeaves = true
    var open = Array(readings.indices)
    Explanation.leaves(root) { path, tokens in
      let (metrics, use) = format.meaning(ofLeafAt: path, tokens)
      var isTaken = false
      for metric in metrics {
        guard let place = open.firstIndex(where: { readings[$0].observation.series.metric == metric }) else { continue }
        readings[open.remove(at: place)].path = path
        isTaken = true
      }
      if let use {
        used.append(Leaf(path: path, reason: use))
      } else if !isTaken {
        leftOut.append(
          Leaf(path: path, reason: metrics.isEmpty ? "no metric table points here" : "no value, or none that fits"))
      }
    }
  }

  /// All values that are neither objects nor arrays.
  private static func leaves(
    _ value: JSONValue, _ path: String = "", _ tokens: [String] = [], _ body: (String, [String]) -> Void
  ) {
    switch value.kind {
    case .object:
      for (key, member) in value.members {
        let key = String(utf8: key)
        leaves(member, path + "/" + JSONPointer.escape(key), tokens + [key], body)
      }
    case .array:
      for (index, element) in value.elements.enumerated() {
        leaves(element, "\(path)/\(index)", tokens + [String(index)], body)
      }
    default: body(path, tokens)
    }
  }
}
