import Derive
import Glibc
import Journal
import Outbox
import Telemetry
import Windows

/// The store's rooms as the gateway wires them, on one thread: journal, deriving, outbox.
final class Gateway {
  let folder: String
  let script: Script
  private(set) var writer: JournalWriter
  private(set) var outbox: Outbox
  private(set) var deriver: Deriver
  let reader: JournalReader
  private(set) var now = Span.seconds(1)

  /// Small, so that a short run checkpoints often.
  static let checkpointPages = 24
  /// So many segments stay before what is not derived yet, whatever is delivered: the latest of the late readings come
  /// twelve steps after their time, in a window of five.
  static let keptSegments: Int64 = 17

  /// - Parameters:
  ///   - checkpoints: false leaves the logs to grow, where what follows is not looked at as closely.
  ///   - uuid: of a new journal, where its bytes must be the same in each run.
  init(
    folder: String, script: Script, synchronous: String, checkpoints: Bool = true, uuid: String? = nil
  ) throws {
    self.folder = folder
    self.script = script
    let path = folder + "/journal.db"
    var journalOptions = JournalWriter.Options()
    journalOptions.synchronous = synchronous
    journalOptions.reserve = 0
    if checkpoints { journalOptions.checkpointPages = Gateway.checkpointPages }
    if let uuid { journalOptions.newUUID = { uuid } }
    writer = try JournalWriter(path: path, options: journalOptions)
    var destinations = [Outbox.Destination(name: "central", compression: script.seed % 5 == 0 ? .gzip : .zstd)]
    if script.hasDeadMirror { destinations.append(.init(name: "mirror", optional: true, compression: .zstd)) }
    var options = Outbox.Options(
      path: folder + "/outbox.db", gateway: script.gateway, epoch: writer.uuid, destinations: destinations,
      extraSchema: Deriver.schema, synchronous: synchronous)
    // The room that the log keeps goes by this, and must be zeroed each time.
    options.checkpointPages = checkpoints ? Gateway.checkpointPages / 2 : 64
    outbox = try Outbox(options)
    if let position = try Deriver.lastPosition(outboxPath: folder + "/outbox.db", epoch: writer.uuid) {
      try writer.raiseFloor(to: position)
    }
    reader = try JournalReader.owner(path: path)
    deriver = try Gateway.deriver(folder, script, reader, outbox)
  }

  private static func deriver(
    _ folder: String, _ script: Script, _ reader: JournalReader, _ outbox: Outbox
  ) throws -> Deriver {
    var source = SourceDefinition(name: "cameras", topic: try TopicPattern("school/{site}/{cam}"), format: "json")
    source.device = Template("{cam}")
    source.deviceClass = .camera
    source.site = Template("{site}")
    source.time = TimeMapping(path: "/ts", unit: .milliseconds)
    source.metrics = [
      MetricMapping(name: "g", path: "/g"), MetricMapping(name: "c", path: "/c", kind: .counter),
      MetricMapping(name: "s", path: "/s", kind: .state),
    ]
    let rules = [
      AlarmRule(name: "cold", metric: "g", condition: .below(limit: -30, clear: -28), severity: .critical),
      AlarmRule(name: "cool", metric: "g", condition: .below(limit: -10, clear: 0), hold: .seconds(3)),
      AlarmRule(name: "silent", condition: .missing(.seconds(9))),
    ]
    return try Deriver(
      settings: DeriveSettings(
        gateway: script.gateway, windows: WindowSettings(length: Script.windowLength, grace: .seconds(2)),
        trustsClock: true, timezone: "UTC", statusInterval: .seconds(15)),
      sources: [source], rules: rules, journal: reader, outbox: outbox,
      outboxPath: folder + "/outbox.db", statusRecord: { Array("{\"type\":\"status\",\"at\":\($0.milliseconds)}".utf8) }
    )
  }

  // MARK: Steps

  func append(_ step: Script.Step) throws -> Int64 {
    var builder = SegmentBuilder()
    for message in step.messages {
      Array(message.topic.utf8).withUnsafeBytes { topic in
        message.payload.withUnsafeBytes { payload in
          builder.append(
            topic: topic, payload: payload, packetID: message.packetID, qos: 1, retained: false,
            receivedAt: message.receivedAt)
        }
      }
    }
    let clock = ClockReading(wall: step.wall, boot: "faults", sinceBoot: .seconds(1), synchronised: true)
    now.nanoseconds += 1_500_000_000
    return try writer.append(builder, clock: clock)
  }

  func derive() throws {
    while try !deriver.turn(now: now) {}
  }

  func finish() throws {
    try derive()
    try deriver.finish()
  }

  /// Sends what is pending, all lanes, and marks it.
  ///
  /// - Parameters:
  ///   - received: called before the outbox learns how the server has answered: whatever ends the process from then on,
  ///     the server was sent this.
  ///   - refused: the server's last word on a lone record, before the outbox learns of it.
  ///   - settled: the outbox has returned from marking this.
  func send(
    received: (Batch) -> Void, refused: (Batch) -> Void = { _ in }, settled: (Batch) -> Void
  ) throws {
    for lane in Lane.allCases {
      while true {
        let batches = try outbox.nextBatches(for: "central", lane: lane, limit: 4)
        if batches.isEmpty { break }
        let accepted = batches.prefix { !refuses($0) }
        for batch in accepted { received(batch) }
        if !accepted.isEmpty {
          try outbox.delivered(Array(accepted), for: "central")
          for batch in accepted { settled(batch) }
        }
        guard accepted.count < batches.count else {
          if batches.count < 4 { break }
          continue
        }
        let batch = batches[accepted.count]
        received(batch)
        if batch.recordCount > 1 {
          try outbox.split(batch)
        } else {
          refused(batch)
          try outbox.refuse(batch, for: "central", reason: "no")
        }
      }
    }
  }

  private func refuses(_ batch: Batch) -> Bool {
    guard script.refusesEvery > 0, batch.lane == .status else { return false }
    return (batch.first...batch.last).contains { $0 % script.refusesEvery == 0 }
  }

  /// The id below which segments may go now.
  func trimBound() throws -> Int64? {
    guard let delivered = try outbox.deliveredBefore() else { return nil }
    let bound = min(delivered, deriver.rawHeldFrom, deriver.position - Gateway.keptSegments)
    return bound > writer.oldestID ? bound : nil
  }

  func trim(before bound: Int64) throws { try writer.trim(before: bound, olderThan: nil, limit: 8) }

  func enforceQuota() throws { _ = try outbox.enforceQuota(bytes: script.quota) }
}
