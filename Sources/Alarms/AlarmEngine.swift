import Telemetry

/// Judges readings by the rules, in the order in which they came.
///
/// Decisions only: it is handed readings and the times of their receipt, and returns transitions. One owner, not
/// thread-safe; a class because its state is large and changed in place.
public final class AlarmEngine {
  private struct Key: Hashable {
    let rule: Int
    /// `Series.index`, or for silence `Device.index`.
    let subject: Int
    let isSilence: Bool
  }

  /// What the daemon must write down when it writes anything down.
  private struct Entry {
    var instance: AlarmInstance
    let device: Device
    let series: Series?
    var record: AlarmRecord?
    /// Up to this segment an earlier process has judged already.
    var settledThrough: Int64 = .min

    var name: String { series?.key ?? "" }
  }

  private let gateway: String
  private let rules: [AlarmRule]
  private let silenceRules: [Int]
  private var entries: [Key: Entry] = [:]
  /// How many entries there are for each series, and for the silence of each device, by their indices: most have none,
  /// and need not be looked up.
  private var entriesOfSeries: [UInt16] = []
  private var entriesOfDevice: [UInt16] = []
  private var changed: Set<Key> = []
  private var pending: Set<Key> = []
  /// Rules that judge a series, by `Series.index`; found once for each.
  private var rulesOfSeries: [[Int]?] = []
  private var silenceRulesOfDevice: [[Int]?] = []
  /// By `Device.index`, in the gateway's time.
  private var lastHeard: [Timestamp?] = []
  private var devices: [Device?] = []
  /// Silence counts only while the gateway can hear; `nil` while it can't.
  private var listeningSince: Timestamp?
  /// No device can have been silent long enough before this.
  private var nextSilenceCheck = Timestamp(nanoseconds: .min)

  public init(gateway: String, rules: [AlarmRule]) {
    self.gateway = gateway
    self.rules = rules
    silenceRules = rules.indices.filter { if case .missing = rules[$0].condition { true } else { false } }
  }

  /// The shortest silence or hold that any of the rules waits for, `nil` where none waits: while nothing arrives, time
  /// must be told that often.
  public static func shortestWait(of rules: [AlarmRule]) -> Span? {
    let silences = rules.compactMap { if case .missing(let span) = $0.condition { span } else { nil } }
    return (silences + rules.map(\.hold).filter { $0 > .zero }).min()
  }

  // MARK: Hearing

  /// Says since when the gateway hears its devices, or that it no longer does.
  public func listening(_ isListening: Bool, at time: Timestamp) {
    guard isListening else {
      listeningSince = nil
      return
    }
    if listeningSince == nil { listeningSince = time }
  }

  /// A message with at least one reading came from the device.
  public func heard(_ device: Device, at received: Timestamp, segment: Int64, into transitions: inout [AlarmRecord]) {
    makeRoom(for: device)
    if lastHeard[device.index] == nil {
      // A device that is new may be the first to fall silent.
      nextSilenceCheck = Timestamp(nanoseconds: .min)
      devices[device.index] = device
    }
    lastHeard[device.index] = max(lastHeard[device.index] ?? received, received)
    guard entriesOfDevice[device.index] > 0 else { return }
    for rule in silenceRules(of: device) {
      let key = Key(rule: rule, subject: device.index, isSilence: true)
      guard let entry = entries[key], segment > entry.settledThrough, case .raised = entry.instance.phase else {
        continue
      }
      clear(key, entry, value: nil, at: received, segment, "\(device.name) is heard again", &transitions)
    }
  }

  private func silenceRules(of device: Device) -> [Int] {
    if let known = silenceRulesOfDevice[device.index] { return known }
    let found = silenceRules.filter { rules[$0].applies(to: device) }
    silenceRulesOfDevice[device.index] = found
    return found
  }

  // MARK: Readings

  public func judge(
    _ observation: Observation, received: Timestamp, segment: Int64, into transitions: inout [AlarmRecord]
  ) {
    guard case .number(let value) = observation.value else { return }
    let series = observation.series
    for rule in rules(of: series) {
      guard let (violates, clears) = rules[rule].condition.judges(value) else { continue }
      // Almost every reading: all is well, and was.
      guard violates || entriesOfSeries[series.index] > 0 else { continue }
      judge(observation, value, rule, violates, clears, received, segment, &transitions)
    }
  }

  private func rules(of series: Series) -> [Int] {
    while rulesOfSeries.count <= series.index {
      rulesOfSeries.append(nil)
      entriesOfSeries.append(0)
    }
    if let known = rulesOfSeries[series.index] { return known }
    let found = rules.indices.filter { rules[$0].metric == series.metric && rules[$0].applies(to: series.device) }
    rulesOfSeries[series.index] = found
    return found
  }

  private func judge(
    _ observation: Observation, _ value: Double, _ index: Int, _ violates: Bool, _ clears: Bool,
    _ received: Timestamp, _ segment: Int64, _ transitions: inout [AlarmRecord]
  ) {
    let hold = rules[index].hold
    let series = observation.series
    let key = Key(rule: index, subject: series.index, isSilence: false)
    guard
      var entry = entries[key]
        ?? (violates ? Entry(instance: AlarmInstance(), device: series.device, series: series) : nil),
      segment > entry.settledThrough, observation.time >= entry.instance.lastTime
    else { return }
    entry.instance.lastTime = observation.time
    switch entry.instance.phase {
    case .clear:
      guard violates else { break }
      entry.instance.phase = .pending(since: observation.time, received: received, value: value)
      fallthrough
    case .pending:
      guard case .pending(let since, let first, _) = entry.instance.phase else { break }
      if !violates {
        entry.instance.phase = .clear
        store(key, entry, segment)
        return
      }
      entry.instance.phase = .pending(since: since, received: first, value: value)
      store(key, entry, segment)
      if observation.time >= since + hold {
        raise(key, entry, value: value, at: since + hold, segment, &transitions)
      }
      return
    case .raised:
      if clears {
        let text = "\(series.key) of \(series.device.name) is \(AlarmText.number(value, series.unit)) again"
        clear(key, entry, value: value, at: observation.time, segment, text, &transitions)
        return
      }
    }
    // Only the time of the latest reading moved on: not worth a write of its own.
    if entries[key] != nil { entries[key] = entry }
  }

  // MARK: Time

  /// The gateway's clock has reached `now`: holds may be over, devices may be silent.
  public func advance(to now: Timestamp, segment: Int64, into transitions: inout [AlarmRecord]) {
    for key in pending.sorted(by: { ($0.rule, $0.subject) < ($1.rule, $1.subject) }) {
      guard let entry = entries[key], segment > entry.settledThrough,
        case .pending(let since, let received, let value) = entry.instance.phase
      else { continue }
      if now >= received + rules[key.rule].hold {
        raise(key, entry, value: value, at: since + rules[key.rule].hold, segment, &transitions)
      }
    }
    guard let listeningSince, !silenceRules.isEmpty, now >= nextSilenceCheck else { return }
    var next = Timestamp(nanoseconds: .max)
    for case let device? in devices {
      guard let heard = lastHeard[device.index] else { continue }
      let silentSince = max(heard, listeningSince)
      for index in silenceRules(of: device) {
        guard case .missing(let span) = rules[index].condition else { continue }
        let key = Key(rule: index, subject: device.index, isSilence: true)
        let entry = entries[key] ?? Entry(instance: AlarmInstance(), device: device, series: nil)
        if case .raised = entry.instance.phase { continue }
        let due = silentSince + span
        if now >= due {
          guard segment > entry.settledThrough else { continue }
          raise(key, entry, value: nil, at: due, segment, &transitions)
        } else {
          next = min(next, due)
        }
      }
    }
    nextSilenceCheck = next
  }

  // MARK: Transitions

  private func raise(
    _ key: Key, _ entry: Entry, value: Double?, at time: Timestamp, _ segment: Int64,
    _ transitions: inout [AlarmRecord]
  ) {
    var entry = entry
    let rule = rules[key.rule]
    let id = NamedUUID.make([gateway, rule.name, entry.device.name, entry.name, RFC3339.format(time)])
    let record = AlarmRecord(
      id: id, transition: .raised, device: entry.device.name, deviceClass: entry.device.deviceClass,
      site: entry.device.site, rule: rule.name, severity: rule.severity, metric: rule.metric, value: value,
      threshold: AlarmText.threshold(rule), time: time,
      message: AlarmText.raised(rule, entry.device, entry.name, value))
    entry.instance.phase = .raised(id: id, at: time)
    entry.record = record
    store(key, entry, segment)
    transitions.append(record)
  }

  private func clear(
    _ key: Key, _ entry: Entry, value: Double?, at time: Timestamp, _ segment: Int64, _ message: String,
    _ transitions: inout [AlarmRecord]
  ) {
    var entry = entry
    if var record = entry.record {
      record.transition = .cleared
      record.value = value
      record.time = time
      record.message = message
      transitions.append(record)
    }
    entry.instance.phase = .clear
    entry.record = nil
    store(key, entry, segment)
    if key.isSilence { nextSilenceCheck = Timestamp(nanoseconds: .min) }
  }

  private func store(_ key: Key, _ entry: Entry, _ segment: Int64) {
    var entry = entry
    entry.instance.segment = segment
    keep(entry, key)
    changed.insert(key)
    if case .pending = entry.instance.phase { pending.insert(key) } else { pending.remove(key) }
  }

  private func keep(_ entry: Entry, _ key: Key) {
    guard entries.updateValue(entry, forKey: key) == nil else { return }
    if key.isSilence {
      makeRoom(for: entry.device)
      entriesOfDevice[key.subject] += 1
    } else {
      while entriesOfSeries.count <= key.subject {
        entriesOfSeries.append(0)
        rulesOfSeries.append(nil)
      }
      entriesOfSeries[key.subject] += 1
    }
  }

  // MARK: Keeping

  /// All instances that changed since the last call, to be written with the transaction that the caller is making.
  public func takeChanges() -> [AlarmSnapshot] {
    defer { changed.removeAll(keepingCapacity: true) }
    return changed.compactMap { key in
      entries[key].map {
        AlarmSnapshot(
          rule: rules[key.rule].name, device: $0.device, series: $0.series, state: $0.instance, record: $0.record)
      }
    }
  }

  /// The alarms that are raised, in no order.
  public var active: [AlarmRecord] { entries.values.compactMap(\.record) }

  /// Takes up what an earlier process wrote down. Alarms of rules that are gone, or that no longer concern the device,
  /// are cleared: nothing else ever would.
  ///
  /// - Returns: those that are gone, and the transitions that clear them.
  public func restore(_ snapshots: [AlarmSnapshot], at now: Timestamp) -> (gone: [AlarmSnapshot], [AlarmRecord]) {
    var transitions: [AlarmRecord] = []
    var gone: [AlarmSnapshot] = []
    for snapshot in snapshots {
      guard let rule = rules.firstIndex(where: { $0.name == snapshot.rule }), rules[rule].applies(to: snapshot.device),
        snapshot.series?.metric == rules[rule].metric
      else {
        gone.append(snapshot)
        guard var record = snapshot.record else { continue }
        record.transition = .cleared
        record.time = now
        record.message = "the rule no longer concerns \(record.device)"
        transitions.append(record)
        continue
      }
      let subject = snapshot.series?.index ?? snapshot.device.index
      let key = Key(rule: rule, subject: subject, isSilence: snapshot.series == nil)
      let entry = Entry(
        instance: snapshot.state, device: snapshot.device, series: snapshot.series, record: snapshot.record,
        settledThrough: snapshot.state.segment)
      keep(entry, key)
      if case .pending = snapshot.state.phase { pending.insert(key) }
    }
    return (gone, transitions)
  }

  /// A device that an earlier process knew: it may be silent from now on, though this one never heard it.
  public func watch(_ device: Device) {
    makeRoom(for: device)
    guard devices[device.index] == nil else { return }
    devices[device.index] = device
    lastHeard[device.index] = Timestamp(nanoseconds: .min)
    nextSilenceCheck = Timestamp(nanoseconds: .min)
  }

  private func makeRoom(for device: Device) {
    while lastHeard.count <= device.index {
      lastHeard.append(nil)
      devices.append(nil)
      silenceRulesOfDevice.append(nil)
      entriesOfDevice.append(0)
    }
  }
}

extension AlarmRule.Condition {
  /// Whether a reading is one to raise the alarm, and whether it is one to clear it; `nil` where readings say nothing.
  fileprivate func judges(_ value: Double) -> (violates: Bool, clears: Bool)? {
    switch self {
    case .below(let limit, let clear): (value < limit, clear == limit ? value >= clear : value > clear)
    case .above(let limit, let clear): (value > limit, clear == limit ? value <= clear : value < clear)
    case .missing: nil
    }
  }
}
