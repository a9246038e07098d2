import ArgumentParser
import Derive
import Gateway
import Settings
import Telemetry

struct SummariesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "summaries",
    abstract: "Compute the summaries of the stored messages, and compare them with what was sent.",
    discussion: """
      Reads the journal, never writes to the store, whether the daemon runs or not. One record a line, as it is sent, \
      without its number. With --differences only those that are not what the daemon wrote down last: an open window, \
      a late reading that has just come, or a window whose messages are deleted in part (those at the journal's \
      beginning, and what counts from before it).

      Exit status: 0, or 74 where the store can't be read, 78 where the configuration is not valid.
      """)

  @OptionGroup var configuration: ConfigurationOption
  @Option(help: ArgumentHelp("Windows that end after this time (RFC 3339).", valueName: "TIME")) var since: Timestamp?
  @Option(help: ArgumentHelp("Only devices, or [groups], whose name matches (* and ?).", valueName: "GLOB"))
  var device: String?
  @Flag(help: "Only what differs from what was sent, with why.") var differences = false
  @Flag(help: "Print one JSON object: the records, and how many are as they were sent.") var json = false

  func run() throws {
    let settings = try configuration.load()
    let rehearsal: Rehearsal
    let sent: [Rehearsal.Key: Int64]
    do {
      rehearsal = try Rehearsal(
        journalPath: "\(settings.store.path)/journal.db", settings: settings.deriveSettings, sources: settings.sources,
        rules: settings.alarms, since: nil)
      sent = try Rehearsal.sent(outboxPath: "\(settings.store.path)/outbox.db")
    } catch {
      throw Exit.failing(Exit.io, "\(error)")
    }
    let glob = device.map { Glob($0) }
    var lines: [[UInt8]] = []
    var figures = (same: 0, different: 0, unsent: 0)
    for (key, record) in rehearsal.summaries.sorted(by: { $0.key < $1.key }) {
      guard glob?.matches(key.name) ?? true, since.map({ key.end > $0 }) ?? true else { continue }
      switch sent[key] {
      case record.digest?: figures.same += 1
      case nil: figures.unsent += 1
      default: figures.different += 1
      }
      if differences, sent[key] == record.digest { continue }
      lines.append(record.json)
    }
    print(lines, figures)
  }

  private func print(_ lines: [[UInt8]], _ figures: (same: Int, different: Int, unsent: Int)) {
    guard json else {
      var writer = LineWriter()
      for line in lines { writer.line(line) }
      writer.flush()
      return Console.error(
        "\(figures.same) as they were sent, \(figures.different) different, \(figures.unsent) that were not sent")
    }
    var writer = JSONWriter()
    writer.object { object in
      object.field("same", figures.same)
      object.field("different", figures.different)
      object.field("unsent", figures.unsent)
      object.array("records") { array in for line in lines { array.element(json: line) } }
    }
    Console.print(writer.text)
  }
}
