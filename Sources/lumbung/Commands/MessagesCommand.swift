import ArgumentParser
import Decoding
import Derive
import Journal
import Settings
import Telemetry

struct MessagesCommand: ParsableCommand {
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case ndjson, csv
  }

  static let configuration = CommandConfiguration(
    commandName: "messages", abstract: "Read raw messages out of the journal, whether the daemon runs or not.",
    discussion: """
      Never writes to the store. A payload that is no UTF-8 text is given as payload_base64.

      Exit status: 0, or 74 where the journal can't be read.
      """)

  @OptionGroup var configuration: ConfigurationOption
  @Option(help: ArgumentHelp("Received at or after (RFC 3339).", valueName: "TIME")) var since: Timestamp?
  @Option(help: ArgumentHelp("Received before (RFC 3339).", valueName: "TIME")) var until: Timestamp?
  @Option(help: ArgumentHelp("Only messages of devices whose name matches (* and ?).", valueName: "GLOB"))
  var device: String?
  @Option(help: ArgumentHelp("Only topics that match (MQTT wildcards).", valueName: "FILTER")) var topic: String?
  @Option(help: "ndjson or csv.") var format = Format.ndjson
  @Flag(help: "Also what the gateway itself wrote down: starts, connections.") var marks = false

  func run() throws {
    let settings = try configuration.load()
    guard let filter = topic.map({ TopicFilter($0) }) ?? .some(nil) else {
      throw Exit.failing(Exit.usage, "--topic \(topic ?? ""): no valid MQTT topic filter")
    }
    let decoder = try Decoder(sources: settings.sources, timezone: settings.timezone, registry: Registry())
    let reader: JournalReader
    do {
      reader = try JournalReader(path: "\(settings.store.path)/journal.db")
      try read(reader, filter, DeviceMatch(glob: device, decoder: decoder))
    } catch let error as ExitCode {
      throw error
    } catch {
      throw Exit.failing(Exit.io, "\(error)")
    }
  }

  private func read(_ reader: JournalReader, _ filter: TopicFilter?, _ match: DeviceMatch) throws {
    var writer = LineWriter()
    if format == .csv { writer.line(MessageLine.csvHeader.utf8) }
    var after = try since.map { try reader.firstID(receivedAtOrAfter: $0) - 1 } ?? 0
    while true {
      let items = try reader.segments(after: after)
      guard !items.isEmpty else { break }
      for item in items {
        switch item {
        case .damaged(let id, let reason):
          after = id
          Console.error("segment \(id) can't be read: \(reason)")
        case .segment(let segment):
          after = segment.id
          segment.forEach { message in
            guard wants(message, filter), match.matches(message, segment) else { return }
            writer.line(format == .csv ? MessageLine.csv(message, segment) : MessageLine.json(message, segment))
          }
        }
      }
    }
    writer.flush()
  }

  private func wants(_ message: StoredMessage, _ filter: TopicFilter?) -> Bool {
    if let since, message.receivedAt < since { return false }
    if let until, message.receivedAt >= until { return false }
    if message.topic.starts(with: Mark.prefix.utf8) { return marks && device == nil && filter == nil }
    guard let filter else { return true }
    return filter.matches(String(decoding: message.topic, as: UTF8.self))
  }
}

/// Whether a message concerns a device whose name matches.
final class DeviceMatch {
  private let glob: Glob?
  private let decoder: Decoder
  private var observations: [Observation] = []

  init(glob: String?, decoder: Decoder) {
    self.glob = glob.map { Glob($0) }
    self.decoder = decoder
  }

  func matches(_ message: StoredMessage, _ segment: Segment) -> Bool {
    guard let glob else { return true }
    if let device = decoder.device(ofTopic: message.topic) { return glob.matches(device.name) }
    observations.removeAll(keepingCapacity: true)
    let reception = Reception(
      receivedAt: message.receivedAt, clockTrusted: segment.clock.synchronised, retained: message.retained)
    _ = decoder.decode(topic: message.topic, payload: message.payload, reception, into: &observations)
    return observations.contains { glob.matches($0.series.device.name) }
  }
}
