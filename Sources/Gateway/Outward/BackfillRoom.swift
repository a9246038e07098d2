import Decoding
import Derive
import Journal
import Outbox
import Settings
import Synchronization
import Telemetry
import Threads
import Uplinks

/// Reads the journal again for what receivers have asked for, on a thread of its own, and puts it into the backfill
/// lane. Slowly: never more waits there than a few batches, so that neither the outbox nor the link is filled by it.
final class BackfillRoom: Sendable {
  /// Batches of one destination that wait in the lane at most.
  private static let mostWaiting: Int64 = 32
  /// Records that one commit takes.
  private static let recordsPerCommit = 500
  private static let patience = Span.seconds(5)

  private let settings: @Sendable () -> GatewaySettings
  private let journalPath: String
  private let outbox: Outbox
  private let tell: @Sendable (String) -> Void
  private let log: @Sendable (String) -> Void
  private let asked = Bell()
  private let stopping = Atomic(false)

  /// - Parameters:
  ///   - tell: what was asked for.
  ///   - log: what went wrong.
  init(
    settings: @escaping @Sendable () -> GatewaySettings, journalPath: String, outbox: Outbox,
    tell: @escaping @Sendable (String) -> Void, log: @escaping @Sendable (String) -> Void
  ) {
    self.settings = settings
    self.journalPath = journalPath
    self.outbox = outbox
    self.tell = tell
    self.log = log
  }

  /// Notes a request; from any thread that may block.
  func take(_ request: BackfillRequest) {
    do {
      let isNew = try outbox.note(
        request: request.id, device: request.device, since: request.from, until: request.to, for: request.destination)
      guard isNew else { return }
      tell("uplink \(request.destination) asks for raw messages of \(request.device) (\(request.id))")
      asked.ring()
    } catch {
      log("a request for raw messages could not be noted: \(error)")
    }
  }

  func stop() {
    stopping.store(true, ordering: .relaxed)
    asked.ring()
  }

  func run() {
    while !stopping.load(ordering: .relaxed) {
      let mark = asked.count()
      do {
        if try serve() { continue }
        asked.wait(past: mark, timeout: BackfillRoom.patience)
      } catch {
        log("raw messages that were asked for could not be read: \(error)")
        asked.wait(past: mark, timeout: .minutes(1))
      }
    }
  }

  /// Serves a part of the oldest request; false where there is none, or the lane is full.
  private func serve() throws -> Bool {
    guard let request = try outbox.nextRequest() else { return false }
    let waiting = try outbox.backlog(for: request.destination).first { $0.lane == .backfill }?.batches ?? 0
    guard waiting < BackfillRoom.mostWaiting else { return false }
    let reader = try JournalReader.owner(path: journalPath)
    let devices = DevicesOfMessages(
      pattern: request.device,
      decoder: try Decoder(sources: settings().sources, timezone: settings().timezone, registry: Registry()))
    var after = max(request.segment, try reader.firstID(receivedAtOrAfter: request.since) - 1)
    // Later ones are not asked for: the span's end may lie in the future, and is done with what there is now.
    let last = reader.newestID
    while !stopping.load(ordering: .relaxed) {
      var records: [[UInt8]] = []
      var isDone = true
      while records.count < BackfillRoom.recordsPerCommit {
        let items = try reader.segments(after: after, through: last, limit: 16)
        isDone = items.isEmpty
        if isDone { break }
        for item in items {
          after = item.id
          if case .segment(let segment) = item { read(segment, request, devices, into: &records) }
        }
      }
      if isDone { records.append(BackfillRoom.end(request)) }
      try outbox.serve(request, records, through: after, isDone: isDone)
      if isDone { return true }
      let waiting = try outbox.backlog(for: request.destination).first { $0.lane == .backfill }?.batches ?? 0
      if waiting >= BackfillRoom.mostWaiting { return false }
    }
    return false
  }

  private func read(
    _ segment: Segment, _ request: Outbox.RawRequest, _ devices: DevicesOfMessages, into records: inout [[UInt8]]
  ) {
    segment.forEach { message in
      guard message.receivedAt >= request.since, message.receivedAt < request.until,
        !message.topic.starts(with: Mark.prefix.utf8), let device = devices.device(of: message, segment)
      else { return }
      var writer = JSONWriter()
      writer.object { json in
        json.field("type", "message")
        json.field("request", request.name)
        json.field("device", device)
        json.field("topic", String(decoding: message.topic, as: UTF8.self))
        json.field("received", message.receivedAt)
        json.field("qos", Int(message.qos))
        json.field("retain", message.retained)
        if let text = String(validating: message.payload, as: UTF8.self) {
          json.field("payload", text)
        } else {
          json.field("payload_base64", Base64Text.encode(Array(message.payload)))
        }
      }
      records.append(writer.bytes)
    }
  }

  /// Tells the receiver that nothing more comes.
  private static func end(_ request: Outbox.RawRequest) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { json in
      json.field("type", "backfill-end")
      json.field("request", request.name)
    }
    return writer.bytes
  }
}

/// Of which device a raw message is, where its name matches. Of one thread.
private final class DevicesOfMessages {
  private let pattern: Glob
  private let decoder: Decoder
  private var observations: [Observation] = []

  init(pattern: String, decoder: Decoder) {
    self.pattern = Glob(pattern)
    self.decoder = decoder
  }

  func device(of message: StoredMessage, _ segment: Segment) -> String? {
    if let device = decoder.device(ofTopic: message.topic) {
      return pattern.matches(device.name) ? device.name : nil
    }
    observations.removeAll(keepingCapacity: true)
    let reception = Reception(
      receivedAt: message.receivedAt, clockTrusted: segment.clock.synchronised, retained: message.retained)
    _ = decoder.decode(topic: message.topic, payload: message.payload, reception, into: &observations)
    return observations.lazy.map(\.series.device.name).first { pattern.matches($0) }
  }
}
