import Telemetry

/// One topic of a `json` source.
final class JSONReader: TopicReader {
  private struct Entry {
    let target: Int32
    let series: Series
  }

  private let format: JSONFormat
  private let itsDevice: Device
  private var generation: UInt32
  /// In the order in which they were first met, which is mostly the order in which they come.
  private var entries: [Entry] = []
  /// Position in `entries` by target, once there are too many to look through.
  private var positions: [Int32: Int] = [:]

  /// Up to here, looking through the entries is faster than a dictionary, and takes no memory.
  private static let searched = 16

  init(_ format: JSONFormat, device: Device) {
    self.format = format
    itsDevice = device
    generation = format.tree.generation
  }

  var device: Device? { itsDevice }
  var payloadDecidesDevice: Bool { false }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    let root: JSONValue
    do throws(DecodingFault) { root = try message.json.parse(payload) } catch { return .refused(error) }
    switch format.walk(root, message) {
    case .complete: break
    case .tooManyValues:
      return .refused(DecodingFault(payload: "more than \(format.limits.fields) values", limit: .fields))
    case .treeFull:
      return .refused(DecodingFault(payload: "more than \(format.limits.paths) different paths", limit: .paths))
    }
    if generation != format.tree.generation {
      generation = format.tree.generation
      entries = []
      positions = [:]
    }
    var claimed: Timestamp?
    if format.timeIndex >= 0, let time = format.time {
      claimed = time.time(of: root.at(format.timeIndex), message)
    }
    let moment = message.moment(claimed)
    message.gather { observations in
      // Read once: each access to a property that is also changed elsewhere is checked for exclusiveness.
      var known = entries
      var expected = 0
      func take(_ target: Int32, _ value: Observation.Value) {
        if expected >= known.count || known[expected].target != target {
          guard let place = place(target, message) else { return }
          known = entries
          expected = place
        }
        observations.append(
          Observation(series: known[expected].series, value: value, time: moment.time, timeSource: moment.source))
        expected += 1
      }
      for position in 0..<format.foundCount {
        let leaf = format.found[position]
        let value = root.at(leaf.index)
        if format.isOpen {
          if let number = value.number {
            take(leaf.slot * 2, .number(number))
          } else if let state = state(value, leaf, message) {
            take(leaf.slot * 2 + 1, .state(state))
          }
        } else {
          var mapping = leaf.slot
          while mapping >= 0 {
            if format.isNumeric[Int(mapping)], let number = value.number {
              take(mapping, .number(number))
            } else if let reading = reading(value, Int(mapping), message) {
              take(mapping, reading)
            }
            mapping = format.followers[Int(mapping)]
          }
        }
      }
    }
    let outcome = message.outcome(nothing: "the values there say that nothing happened")
    // A mapping that fits nothing of what a device sends must be seen, not passed over. A flag that is down, where an
    // event is mapped, does fit.
    if case .ignored = outcome, format.foundCount == 0 {
      return .refused(DecodingFault(payload: format.nothing))
    }
    return outcome
  }

  private func state(_ value: JSONValue, _ leaf: JSONFormat.Found, _ message: Message) -> String? {
    switch value.kind {
    case .bool: return value.bool == true ? "true" : "false"
    case .string: return message.shortText(value.text, path: format.tree.pointer(leaf.node))
    case .unusable:
      message.fault(DecodingFault(path: format.tree.pointer(leaf.node), value.unusableReason))
      return nil
    case .object, .array, .null, .number: return nil
    }
  }

  private func reading(_ value: JSONValue, _ mapping: Int, _ message: Message) -> Observation.Value? {
    switch MappedValue.convert(value, format.mappings[mapping], limits: format.limits) {
    case .none: return nil
    case .value(let reading): return reading
    case .fault(let reason):
      message.fault(DecodingFault(path: format.mappings[mapping].path, reason, showing: value.text))
      return nil
    }
  }

  /// Where the target's series is in `entries`, made where it is new; `nil` where it can't be.
  private func place(_ target: Int32, _ message: Message) -> Int? {
    let known =
      entries.count <= JSONReader.searched ? entries.firstIndex { $0.target == target } : positions[target]
    if let known { return known }
    let wanted = format.targets[Int(target)]
    let made =
      wanted.metric.utf8.count <= format.limits.textBytes
      ? message.registry.series(of: itsDevice, wanted.metric, unit: wanted.unit, kind: wanted.kind) : nil
    guard let made else {
      message.fault(
        DecodingFault(
          path: wanted.metric, "the path is too long, or the limit of known series is reached", limit: .series))
      return nil
    }
    entries.append(Entry(target: target, series: made))
    if entries.count == JSONReader.searched + 1 {
      for (position, entry) in entries.enumerated() { positions[entry.target] = position }
    } else if entries.count > JSONReader.searched {
      positions[target] = entries.count - 1
    }
    return entries.count - 1
  }
}
