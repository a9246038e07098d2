import Telemetry

/// What one message yields while a topic's reader goes through it. One object for all messages of a decoder, one
/// message at a time.
final class Message {
  let registry: Registry
  let limits: DecodingLimits
  let json: JSONParser
  let memory = DecoderMemory()

  private(set) var reception = Reception(receivedAt: Timestamp(nanoseconds: 0))
  private(set) var observations: [Observation] = []
  private var start = 0
  private var faults: [DecodingFault] = []
  /// Where someone wants to know what a mapping makes of a payload.
  var trace: MappingTrace?

  /// What is added to the times that the payload says.
  private(set) var correction = Span.zero
  /// The latest of them, before that.
  private(set) var claimed: Timestamp?

  /// More than these say nothing new about one payload.
  static let faultsKept = 16

  init(registry: Registry, limits: DecodingLimits) {
    self.registry = registry
    self.limits = limits
    json = JSONParser(limits: limits)
  }

  /// Before the topic's reader is asked for: what it finds out holds from this message on.
  func arrive(_ reception: Reception) {
    memory.arrive(reception.sequence)
    correction = .zero
    claimed = nil
  }

  /// Takes over the caller's buffer, so that nothing is copied; `end` gives it back.
  func begin(_ reception: Reception, _ observations: inout [Observation]) {
    self.reception = reception
    swap(&self.observations, &observations)
    start = self.observations.count
    if !faults.isEmpty { faults.removeAll(keepingCapacity: true) }
  }

  /// Observations of a refused message are taken back.
  func end(_ outcome: Decoder.Outcome, _ observations: inout [Observation]) {
    if case .refused = outcome { self.observations.removeSubrange(start...) }
    swap(&self.observations, &observations)
  }

  var isEmpty: Bool { observations.count == start }
  var count: Int { observations.count - start }
  var hasFaults: Bool { !faults.isEmpty }

  /// The outcome for a payload that was read to its end. `nothing` says why, where there was nothing to take.
  func outcome(nothing: String) -> Decoder.Outcome {
    if faults.isEmpty { return isEmpty ? .ignored(nothing) : .decoded }
    return isEmpty ? .refused(faults[0]) : .partial(faults)
  }

  func fault(_ fault: @autoclosure () -> DecodingFault) {
    if faults.count < Message.faultsKept { faults.append(fault()) }
  }

  // MARK: - Time

  func moment(_ claimed: Timestamp?) -> Moment {
    guard let claimed else { return Moment(nil, reception) }
    self.claimed = max(self.claimed ?? claimed, claimed)
    return Moment(claimed + correction, reception)
  }

  func correct(by correction: Span) { self.correction = correction }

  var received: Moment { Moment(nil, reception) }

  // MARK: - Readings

  /// For many readings at once. `take` may report faults, and must not touch the message's readings otherwise.
  @inline(__always)
  func gather(_ take: (inout [Observation]) -> Void) { take(&observations) }

  @inline(__always)
  func append(_ series: Series, _ value: Observation.Value, _ moment: Moment) {
    observations.append(Observation(series: series, value: value, time: moment.time, timeSource: moment.source))
  }

  /// `name` is the metric's, where the entry is a pattern; `unit` where it goes before the entry's.
  func emit(
    _ device: Device, _ entry: CatalogueEntry, _ value: Observation.Value, _ moment: Moment,
    labels: [Series.Label] = [], name: String? = nil, unit: String? = nil
  ) {
    let metric = name ?? entry.metric
    if case .number(let number) = value, !number.isFinite {
      return fault(DecodingFault(path: metric, "is not a finite number"))
    }
    guard
      let series = registry.series(
        of: device, metric, labels: labels, unit: unit ?? entry.unit, kind: entry.kind)
    else { return fault(DecodingFault(path: metric, "the limit of known series is reached", limit: .series)) }
    guard let unit, case .number(let number) = value, unit != series.unit else { return append(series, value, moment) }
    guard let factor = UnitText.factor(from: unit, to: series.unit) else {
      return fault(DecodingFault(path: metric, "is in \(unit), where it was in \(series.unit) before"))
    }
    append(series, .number(number * factor), moment)
  }

  func emit(
    _ device: Device, _ entry: CatalogueEntry, _ number: Double, _ moment: Moment, labels: [Series.Label] = [],
    name: String? = nil, unit: String? = nil
  ) {
    emit(device, entry, .number(number), moment, labels: labels, name: name, unit: unit)
  }

  func emit(
    _ device: Device, _ entry: CatalogueEntry, _ state: String, _ moment: Moment, labels: [Series.Label] = [],
    name: String? = nil
  ) {
    emit(device, entry, .state(state), moment, labels: labels, name: name)
  }

  func emit(
    _ device: Device, _ entry: CatalogueEntry, event count: Double, _ moment: Moment, labels: [Series.Label] = [],
    attributes: [Series.Label] = [], name: String? = nil
  ) {
    emit(device, entry, .event(count: count, attributes: attributes), moment, labels: labels, name: name)
  }

  /// A text short enough to be a state, a label or a name; `nil`, and a fault, where it is longer.
  func shortText(_ bytes: UnsafeRawBufferPointer, path: @autoclosure () -> String) -> String? {
    guard bytes.count <= limits.textBytes else {
      fault(
        DecodingFault(
          path: path(), "a text of \(bytes.count) bytes; at most \(limits.textBytes) are taken", limit: .text))
      return nil
    }
    if ImageRedaction.isMarker(bytes) {
      fault(DecodingFault(path: path(), ImageRedaction.reason))
      return nil
    }
    return String(utf8: bytes)
  }
}
