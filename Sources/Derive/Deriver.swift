import Alarms
import Decoding
import Journal
import Outbox
import SQLite
import Telemetry
import Threads
import Windows

/// Reads the journal forward and writes what follows from it to the outbox: sealed windows, alarm transitions, and how
/// far it has come, in one transaction.
///
/// What it writes is a function of the journal alone. It never asks the present time but to decide when late readings
/// have waited long enough. One owner, on a thread that may block.
public final class Deriver {
  let settings: DeriveSettings
  let registry: Registry
  let decoder: Decoder
  let windows: WindowEngine
  let alarms: AlarmEngine
  let journal: JournalReader
  let outbox: Outbox
  /// Reads what earlier transactions wrote, beside the outbox's own connection.
  let stored: Database

  /// Segments up to here are derived.
  public internal(set) var position: Int64 = 0
  /// The latest time of receipt that was passed.
  var watermark = Timestamp(nanoseconds: .min)
  var late = LateReadings()
  /// Readings of windows that are far ahead of the gateway's clock, while nobody vouches for it.
  var ahead = LateReadings(.ahead)
  var clocks: ClockRuns
  /// Windows from `sealedThrough` on that were computed before their time, ascending.
  var computedAhead: [Timestamp] = []
  /// How many segments are mended at once: some minutes of them, for a window should not gain its messages bit by bit.
  var segmentsPerPiece: Int64 = 1500
  /// How many messages of disordered devices are held at once, some 20 MB: more than most windows have.
  var arrivalsAtOnce = 50_000
  /// What is remembered even where the room for it lacks, and how much goes at once: some 1.5 MB.
  var remembers = Deriver.leastRemembered
  var forgetsAtOnce = 4096
  /// A piece of a run is mended only when the windows that gain its messages are over: until then, this long.
  var mendingWaits: Timestamp?
  /// The longer lengths, each with the start of its first window.
  var longer: [DeriveStore.Longer] = []
  /// Windows before this may be forgotten already.
  var forgotten: Timestamp?
  /// How long the gateway has been running, by its boots' clocks, and the last segment's.
  var running = Span.zero
  var since = Span.zero
  /// The monotonic clock of this turn.
  var now = Span.zero
  /// Up to where windows of the longer lengths are sealed.
  var sealedLonger: [Span: Timestamp] = [:]
  /// Devices whose own row says that they are active, by `Device.index`.
  var knownActive: Set<Int> = []
  var lists = SeriesLists()
  let groupRegistry = Registry()
  /// Rows of `derive_group`, by name.
  var groupRows: [String: Int64] = [:]
  /// By row of `derive_device`.
  var devicesByRow: [Int64: Device] = [:]
  /// The start of each device's first window, by `Device.index`.
  var firstWindows: [Int: Timestamp] = [:]
  /// Devices of which `firstWindows` is not written yet.
  var movedFirstWindows: Set<Int> = []
  var output = Output()
  /// Of a rehearsal.
  var observer: Rehearsal.Findings?
  /// The window whose row holds what each device carries now, by `Device.index`.
  var lastCarries: [Int: Timestamp] = [:]
  /// Rows of `derive_device`, by `Device.index`.
  var deviceRows: [Int: Int64] = [:]
  public internal(set) var counts: DeriveCounts
  /// The latest quarantined messages, newest last, without their payloads.
  public private(set) var quarantine: [StatusReport.Quarantined] = []

  /// The oldest window that late readings will have computed again, and the first segment of it or of a later one.
  var held: (start: Timestamp, segment: Int64)?

  private var observations: [Observation] = []
  private var transitions: [AlarmRecord] = []
  private var lastSaved: (position: Int64, watermark: Timestamp) = (0, Timestamp(nanoseconds: .min))
  private var lastStatus: Timestamp?
  /// The `status` record for a moment, made by whoever knows the whole gateway.
  private let statusRecord: (Timestamp) -> [UInt8]?
  let damaged: (Int64, String) -> Void
  let report: (String) -> Void
  let heartbeat: Heartbeat

  /// Takes up where the outbox says that an earlier process left off, and reads the open windows' messages again: that
  /// may take seconds.
  ///
  /// - Parameters:
  ///   - statusRecord: the gateway's report on itself for the `status` lane; called before a transaction, at most once in `statusInterval`.
  ///   - damaged: told of each segment that can't be read back, and why; of the same one again where it is wanted again.
  ///   - report: told of what else an operator should know, a line each.
  ///   - counts: of the deriver before, where a reload has made this one.
  ///   - heartbeat: beats with each segment, whether it is derived or read again.
  public init(
    settings: DeriveSettings, sources: [SourceDefinition], rules: [AlarmRule], journal: JournalReader, outbox: Outbox,
    outboxPath: String, statusRecord: @escaping (Timestamp) -> [UInt8]? = { _ in nil },
    damaged: @escaping (Int64, String) -> Void = { _, _ in }, report: @escaping (String) -> Void = { _ in },
    counts: DeriveCounts = DeriveCounts(), heartbeat: Heartbeat = Heartbeat()
  ) throws {
    self.settings = settings
    self.journal = journal
    self.outbox = outbox
    self.statusRecord = statusRecord
    self.damaged = damaged
    self.report = report
    self.counts = counts
    self.heartbeat = heartbeat
    let registry = Registry(limits: settings.registryLimits)
    self.registry = registry
    decoder = try Decoder(
      sources: sources, timezone: settings.timezone, registry: registry, limits: settings.limits)
    windows = WindowEngine(settings: settings.windows) { registry.series[$0] }
    clocks = ClockRuns(trustsAll: settings.trustsClock)
    alarms = AlarmEngine(gateway: settings.gateway, rules: rules)
    stored = try DeriveStore.reader(outboxPath)
    try restore()
  }

  /// Whether a page of the journal was found damaged.
  public var metDamagedPage: Bool { journal.metDamagedPage }

  /// How far a journal was derived, for whoever must not give an id below it; `nil` where it never was.
  public static func lastPosition(outboxPath: String, epoch: String) throws -> Int64? {
    let cursor = try DeriveStore.cursor(DeriveStore.reader(outboxPath))
    return cursor?.epoch == epoch ? cursor?.position : nil
  }

  /// The births of nodes of Sparkplug B, and of devices behind them, that messages may still be read with: topic and
  /// payload, for whoever looks at messages before they are derived.
  public static func births(outboxPath: String) throws -> [(topic: String, payload: [UInt8])] {
    try MemoryStore.load(DeriveStore.reader(outboxPath)).compactMap { one in
      Decoder.birthTopic(of: one).map { ($0, one.content) }
    }
  }

  /// The tables that the outbox must have: see `DeriveStore`.
  public static var schema: [String] { DeriveStore.schema }

  /// Segments below this are wholly derived: no open window and no late reading needs them.
  public var rawNeededFrom: Int64 {
    min(
      windows.oldestOpenSegment ?? .max, late.oldestSegment ?? .max, ahead.oldestSegment ?? .max, position + 1,
      clocks.pending.map { clocks.runs[$0].mendedThrough + 1 } ?? .max)
  }

  /// Segments below this may be deleted: beyond `rawNeededFrom`, windows that wait to be computed again keep theirs.
  public var rawHeldFrom: Int64 { min(rawNeededFrom, held?.segment ?? .max) }

  /// Devices that were ever heard, or that an earlier run knew.
  public var deviceCount: Int { registry.devices.count }
  public var openWindowCount: Int { windows.openWindowCount }
  public var activeAlarms: [AlarmRecord] { alarms.active }

  // MARK: Turns

  /// How much of the journal one turn takes: bounded, so that a stop is never far.
  public static let segmentsPerTurn = 64
  /// Without anything sealed, the cursor moves on disk at least this often, in the journal's time: else raw that
  /// yields nothing could never go.
  private static let cursorInterval = Span.seconds(60)

  /// Derives what the journal has: at most `segmentsPerTurn` segments, and fewer where they are large.
  ///
  /// - Parameters:
  ///   - now: the monotonic clock.
  ///   - isPressed: the store is full: windows that wait to be computed again must let go of their messages.
  /// - Returns: whether the journal's head was reached.
  public func turn(now: Span, isPressed: Bool = false) throws -> Bool {
    self.now = now
    // What a full disk has kept back goes first; until it is written nothing is derived on top of it.
    if !output.isEmpty { try commit() }
    let items = try journal.segments(after: position, limit: Deriver.segmentsPerTurn)
    for item in items {
      switch item {
      case .segment(let segment): try process(segment)
      case .damaged(let id, let reason):
        counts.damagedSegments += 1
        damaged(id, reason)
        position = id
      }
    }
    // Fewer than asked for may come because they are large. Where nothing comes there is nothing that can be read.
    let atHead = items.isEmpty || position >= journal.newestID
    let overdue = position > lastSaved.position && watermark >= lastSaved.watermark + Deriver.cursorInterval
    if !output.isEmpty || overdue { try commit() }
    let wait = Span(nanoseconds: settings.windows.length.nanoseconds + settings.windows.grace.nanoseconds)
    if ahead.isDue(now: now, atHead: atHead, window: wait, isPressed: isPressed) { try revise(\.ahead) }
    if late.isDue(now: now, atHead: atHead, isPressed: isPressed) { try revise(\.late) }
    return atHead
  }

  /// Before the process ends: nothing that is derived waits for the next start.
  public func finish() throws {
    if !ahead.isEmpty { try revise(\.ahead) }
    if !late.isEmpty { try revise(\.late) }
    try commit()
  }

  // MARK: One segment

  private func process(_ segment: Segment) throws {
    heartbeat.beat()
    try note(segment)
    let clock = clock(of: segment)
    if position == 0 { beginWhole(segment.id, clock) }
    var index: Int64 = 0
    segment.forEach { message in
      if isMark(message.topic) {
        mark(message, clock)
      } else {
        take(message, segment.id, index, clock)
      }
      index += 1
    }
    position = segment.id
    windows.begin(at: clock.time)
    watermark = max(watermark, clock.time)
    alarms.advance(to: watermark, segment: segment.id, into: &transitions)
    keepTransitions()
    try sealDue(quality: clock.quality)
  }

  private func isMark(_ topic: UnsafeRawBufferPointer) -> Bool {
    topic.first == UInt8(ascii: "$") && topic.starts(with: Mark.prefix.utf8)
  }

  private func mark(_ message: StoredMessage, _ clock: SegmentClock) {
    let received = clock.received(message.receivedAt)
    switch Mark(rawValue: String(decoding: message.payload, as: UTF8.self)) {
    case .connected: alarms.listening(true, at: received)
    case .disconnected, .started: alarms.listening(false, at: received)
    case nil: break
    }
  }

  private func take(_ message: StoredMessage, _ segment: Int64, _ index: Int64, _ clock: SegmentClock) {
    counts.messages += 1
    observations.removeAll(keepingCapacity: true)
    let (outcome, context) = decode(message, segment, index, clock, into: &observations)
    switch outcome {
    case .decoded: break
    case .partial(let faults):
      counts.partial += 1
      for limit in Set(faults.compactMap(\.limit)) { counts.limitHits[limit.rawValue, default: 0] += 1 }
    case .ignored: counts.ignored += 1
    case .unrouted: counts.unrouted += 1
    case .refused(let fault):
      refuse(message, fault, context)
      if let device = quarantinedDevice(message, outcome) { note(windows.quarantine(device, context), segment) }
    }
    guard !observations.isEmpty else { return }
    counts.observations += Int64(observations.count)
    note(windows.add(observations, context), segment)
    guard !message.retained else { return }
    var heard: Device?
    for observation in observations where !windows.isTooLate(observation, context) {
      alarms.judge(observation, received: context.receivedAt, segment: segment, into: &transitions)
      if observation.series.device !== heard {
        let device = observation.series.device
        heard = device
        alarms.heard(device, at: context.receivedAt, segment: segment, into: &transitions)
      }
    }
  }

  private func note(_ placement: Placement, _ segment: Int64) {
    counts.tooLate += Int64(placement.tooLate)
    for found in placement.late {
      let name = registry.devices[found.device].name
      if found.isAhead {
        ahead.note(found.start, name, segment: segment, now: now)
      } else {
        late.note(found.start, name, segment: segment, now: now)
      }
      hold(from: found.start)
    }
  }

  /// A commit holds fewer than 2^20 messages, so the number is the message's own.
  static func sequence(_ segment: Int64, _ index: Int64) -> Int64 { segment << 20 | index }

  /// Edge nodes that should be asked to send their births again, where someone will ask them.
  public func takeRebirthRequests() -> [RebirthRequest] { decoder.takeRebirthRequests() }

  /// How many quarantined messages are shown.
  private static let shownQuarantine = 20

  private func refuse(_ message: StoredMessage, _ fault: DecodingFault, _ context: MessageContext) {
    counts.quarantined += 1
    if let limit = fault.limit { counts.limitHits[limit.rawValue, default: 0] += 1 }
    if quarantine.count >= Deriver.shownQuarantine { quarantine.removeFirst() }
    quarantine.append(
      StatusReport.Quarantined(
        topic: String(decoding: message.topic.prefix(200), as: UTF8.self), reason: fault.description,
        time: RFC3339.format(context.receivedAt)))
  }

  private func keepTransitions() {
    for record in transitions {
      counts.alarms += 1
      observer?.alarms.append(record)
      var writer = JSONWriter()
      record.write(to: &writer)
      output.records.append((.alarm, writer.bytes))
    }
    transitions.removeAll(keepingCapacity: true)
  }

  // MARK: Writing

  /// One transaction: everything that was derived, and how far.
  func commit() throws {
    output.alarms += alarms.takeChanges()
    output.remembered += decoder.takeRemembered()
    counts.rebirthsWanted = decoder.rebirthsWanted
    if decoder.topicLimitHits > 0 { counts.limitHits[DecodingLimits.Kind.topics.rawValue] = decoder.topicLimitHits }
    // Whatever is still in the journal may be read again.
    let readableFrom = output.remembered.isEmpty ? nil : Deriver.sequence(journal.oldestID, 0)
    if let due = lastStatus.map({ $0 + settings.statusInterval }), watermark < due {
    } else if watermark.nanoseconds != .min, let record = statusRecord(watermark) {
      output.records.append((.status, record))
      lastStatus = watermark
    }
    let rawNeededFrom = rawNeededFrom
    output.quiet += alarms.takeQuiet(before: rawNeededFrom)
    var rows = deviceRows
    var groups = groupRows
    let goneRuns = clocks.forget(before: min(journal.oldestID, rawNeededFrom))
    try outbox.transaction { transaction in
      let database = transaction.database
      func row(of device: Device) throws -> Int64 {
        if let known = rows[device.index] { return known }
        let change = Output.DeviceChange(device: device, isActive: false, lastHeard: nil, carries: nil)
        return try save(change)
      }
      func save(_ change: Output.DeviceChange) throws -> Int64 {
        let id = try DeriveStore.save(
          change.device, active: change.isActive, lastHeard: change.lastHeard, carries: change.carries, database)
        rows[change.device.index] = id
        return id
      }
      for (_, change) in output.devices.sorted(by: { $0.key < $1.key }) { _ = try save(change) }
      for (frame, sealed) in output.windows.sorted(by: { $0.key < $1.key }) {
        for (index, window) in sealed.sorted(by: { $0.key < $1.key }) {
          try WindowStore.save(window, frame, row(of: registry.devices[index]), written: running, database)
        }
      }
      for (frame, sealed) in output.groups {
        for (name, window) in sealed {
          let group = try groups[name] ?? WindowStore.saveGroup(name, database)
          groups[name] = group
          try WindowStore.save(window, frame, -group, written: running, database)
        }
      }
      for index in lists.grown {
        try DeriveStore.save(series: lists.encoded(index), of: row(of: registry.devices[index]), database)
      }
      for index in movedFirstWindows {
        if let first = firstWindows[index] {
          try DeriveStore.save(since: first, of: row(of: registry.devices[index]), database)
        }
      }
      for run in clocks.runs where output.clockRuns.contains(run.first) { try DeriveStore.save(run, database) }
      for first in goneRuns { try DeriveStore.forgetClockRun(first, database) }
      for source in output.sources { try WindowStore.addSource(source.start, source.segments, database) }
      for alarm in output.goneAlarms { try AlarmStore.delete(alarm, device: row(of: alarm.device), database) }
      for alarm in output.alarms { try AlarmStore.save(alarm, device: row(of: alarm.device), database) }
      for quiet in output.quiet { try AlarmStore.save(quiet, device: row(of: quiet.device), database) }
      try AlarmStore.forgetClear(through: position, database)
      for remembered in output.remembered { try MemoryStore.save(remembered, database) }
      if let readableFrom { try MemoryStore.forget(before: readableFrom, database) }
      try forgetOld(database)
      try DeriveStore.save(cursor(rawNeededFrom), database)
      for record in output.records { transaction.append(record.lane, record.json) }
      transaction.rawBefore = rawNeededFrom
      if !output.windows.isEmpty { Failpoint.hit("derive.before-sealing") }
    }
    for (index, row) in rows where deviceRows[index] == nil { devicesByRow[row] = registry.devices[index] }
    deviceRows = rows
    groupRows = groups
    _ = lists.takeGrown()
    movedFirstWindows = []
    output = Output()
    if let readableFrom { decoder.forget(before: readableFrom) }
    lastSaved = (position, watermark)
  }

  /// Adds an alarm transition that no reading caused.
  func add(_ records: [AlarmRecord]) {
    transitions += records
    keepTransitions()
  }
}
