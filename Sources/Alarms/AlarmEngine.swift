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
  /// By `Device.index`: when it was last heard, in the gateway's time.
  private var lastHeard: [Latest] = []
  private var devices: [Device?] = []
  /// By `Series.index`, of those that a rule judges: the time of the latest reading.
  private var lastRead: [Latest] = []
  private var judgedSeries: [Series?] = []
  /// What came before this segment is written down already where it is the latest.
  private var keptBefore: Int64 = 0
  /// Since when the gateway can hear its devices: silence counts only then. `nil` while it can't.
  public private(set) var listeningSince: Timestamp?
  /// No device can have been silent long enough before this.
  private var nextSilenceCheck = Timestamp(nanoseconds: .min)

  public init(gateway: String, rules: [AlarmRule]) {
    self.gateway = gateway
    self.rules = rules
    silenceRules = rules.indices.filter { if case .missing = rules[$0].condition { true } else { false } }
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
    recallHeard(device, at: received, segment: segment)
    guard entriesOfDevice[device.index] > 0 else { return }
    for rule in silenceRules(of: device) {
      let key = Key(rule: rule, subject: device.index, isSilence: true)
      guard let entry = entries[key], segment > entry.settledThrough, case .raised = entry.instance.phase else {
        continue
      }
      clear(key, entry, value: nil, at: received, segment, "\(device.name) is heard again", &transitions)
    }
  }

  /// The same where all that follows from it was done in an earlier process.
  public func recallHeard(_ device: Device, at received: Timestamp, segment: Int64) {
    watch(device)
    lastHeard[device.index].note(received, segment)
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
    let rules = rules(of: series)
    guard !rules.isEmpty, isNewest(observation, received, segment) else { return }
    for rule in rules {
      guard let (violates, clears) = self.rules[rule].condition.judges(value) else { continue }
      // Almost every reading: all is well, and was.
      guard violates || entriesOfSeries[series.index] > 0 else { continue }
      judge(observation, value, rule, violates, clears, received, segment, &transitions)
    }
  }

  /// The same where all that follows from it was done in an earlier process.
  public func recall(_ observation: Observation, received: Timestamp, segment: Int64) {
    guard case .number = observation.value, !rules(of: observation.series).isEmpty else { return }
    _ = isNewest(observation, received, segment)
  }

  /// A device's clock runs ahead by no more than this, else it is the gateway's that isn't set yet.
  private static let mostAhead = Span.minutes(5)

  /// Older readings say nothing of now. A time ahead of its own receipt is no later than that; of one far ahead nobody
  /// knows which is older.
  private func isNewest(_ observation: Observation, _ received: Timestamp, _ segment: Int64) -> Bool {
    guard observation.time <= received + AlarmEngine.mostAhead else { return true }
    let time = min(observation.time, received)
    let index = observation.series.index
    guard time >= lastRead[index].time else { return false }
    lastRead[index].note(time, segment)
    return true
  }

  private func rules(of series: Series) -> [Int] {
    makeRoom(for: series)
    if let known = rulesOfSeries[series.index] { return known }
    let found = rules.indices.filter { rules[$0].metric == series.metric && rules[$0].applies(to: series.device) }
    rulesOfSeries[series.index] = found
    if !found.isEmpty { judgedSeries[series.index] = series }
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
      segment > entry.settledThrough
    else { return }
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
      let silentSince = max(lastHeard[device.index].time, listeningSince)
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

  /// The gateway's clock was ahead, and is right now: nothing was heard later than this.
  public func setBack(to time: Timestamp) {
    for index in lastHeard.indices { lastHeard[index].setBack(to: time) }
    for index in lastRead.indices { lastRead[index].setBack(to: time) }
    listeningSince = listeningSince.map { min($0, time) }
    nextSilenceCheck = Timestamp(nanoseconds: .min)
    keptBefore = 0
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
    } else if let series = entry.series {
      makeRoom(for: series)
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

  /// When devices were last heard, and series last read, where that was before this segment and hasn't been taken yet.
  /// What came later is known to the next process from the segments that it reads again: so devices that report in every
  /// window cost no write.
  public func takeQuiet(before segment: Int64) -> [LastHeard] {
    guard segment > keptBefore else { return [] }
    keptBefore = segment
    var quiet: [LastHeard] = []
    // By the times alone, which are most of all this: few are due.
    for index in lastHeard.indices where lastHeard[index].isDue(before: segment) {
      lastHeard[index].isKept = true
      // Where nobody asks for silence, that would be a write for each device that reports seldom.
      guard let device = devices[index], !silenceRules(of: device).isEmpty else { continue }
      quiet.append(LastHeard(device: device, series: nil, time: lastHeard[index].time))
    }
    for index in lastRead.indices where lastRead[index].isDue(before: segment) {
      lastRead[index].isKept = true
      guard let series = judgedSeries[index] else { continue }
      quiet.append(LastHeard(device: series.device, series: series, time: lastRead[index].time))
    }
    return quiet
  }

  /// Takes up what an earlier process has taken from `takeQuiet`, before what came later is recalled.
  public func restore(_ quiet: [LastHeard], listeningSince: Timestamp?) {
    self.listeningSince = listeningSince
    for known in quiet {
      if let series = known.series {
        // Also where no rule judges it now: one that did would have judged it by this.
        makeRoom(for: series)
        lastRead[series.index] = Latest(time: known.time)
      } else {
        watch(known.device)
        lastHeard[known.device.index] = Latest(time: known.time)
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

  /// A device that was ever heard may be the first to fall silent.
  private func watch(_ device: Device) {
    makeRoom(for: device)
    guard devices[device.index] == nil else { return }
    devices[device.index] = device
    nextSilenceCheck = Timestamp(nanoseconds: .min)
  }

  /// The same for one that an earlier process knew, where no rule asked when it was heard: silence counts from now.
  public func watch(_ device: Device, from now: Timestamp) {
    makeRoom(for: device)
    guard devices[device.index] == nil else { return }
    watch(device)
    lastHeard[device.index] = Latest(time: now, isKept: false)
  }

  private func makeRoom(for series: Series) {
    while lastRead.count <= series.index {
      lastRead.append(Latest())
      judgedSeries.append(nil)
      rulesOfSeries.append(nil)
      entriesOfSeries.append(0)
    }
  }

  private func makeRoom(for device: Device) {
    while lastHeard.count <= device.index {
      lastHeard.append(Latest())
      devices.append(nil)
      silenceRulesOfDevice.append(nil)
      entriesOfDevice.append(0)
    }
  }
}
