import ArgumentParser
import Derive
import Gateway
import Settings
import Telemetry

struct SummariesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "summaries",
    abstract: "Show the summaries that were made, or compute them again from the stored messages and compare.",
    discussion: """
      Reads only, whether the daemon runs or not. Without --recompute: one line for each window that the daemon still \
      knows; the record as it was sent last, or its head with "deleted":true where the outbox needed the room.

      With --recompute the messages of the journal are derived once more, and each window that comes out differently is \
      shown in both forms, with - as it was sent and + as it comes out. Windows differ rightly where late messages have \
      just come, and where messages are deleted: those at the journal's beginning, and what counts from before it.

      Exit status: 0, or 74 where the store can't be read, 78 where the configuration is not valid.
      """)

  @OptionGroup var configuration: ConfigurationOption
  @Option(help: ArgumentHelp("Windows that end after this time (RFC 3339).", valueName: "TIME")) var since: Timestamp?
  @Option(help: ArgumentHelp("Only devices, or [groups], whose name matches (* and ?).", valueName: "GLOB"))
  var device: String?
  @Flag(help: "Compute the summaries again, and show what differs from what was sent.") var recompute = false
  @Flag(help: "With --recompute: all records as they come out, not only what differs.") var all = false
  @Flag(help: "Print one JSON object.") var json = false

  private struct Figures {
    var same = 0
    var different = 0
    /// Computed, and never sent.
    var unsent = 0
    /// Sent, and not computed: the messages are deleted.
    var gone = 0
  }

  private struct Difference {
    var sent: [UInt8]
    var computed: [UInt8]
  }

  func validate() throws {
    if all && !recompute { throw ValidationError("--all goes with --recompute: without it, all are shown.") }
  }

  func run() throws {
    let settings = try configuration.load()
    do {
      let sent = try SentSummaries(outboxPath: "\(settings.store.path)/outbox.db")
      if recompute { try compare(settings, sent) } else { show(sent) }
    } catch {
      throw Exit.failing(Exit.io, "\(error)")
    }
  }

  private func isMeant(_ key: Rehearsal.Key) -> Bool {
    (device.map { Glob($0).matches(key.name) } ?? true) && (since.map { key.end > $0 } ?? true)
  }

  private func show(_ sent: SentSummaries) {
    let lines = sent.windows.keys.filter(isMeant).sorted().compactMap(sent.json)
    guard json else { return write(lines) }
    var writer = JSONWriter()
    writer.object { $0.array("records") { array in for line in lines { array.element(json: line) } } }
    Console.print(writer.text)
  }

  private func compare(_ settings: GatewaySettings, _ sent: SentSummaries) throws {
    let rehearsal = try Rehearsal(
      journalPath: "\(settings.store.path)/journal.db", settings: settings.deriveSettings, sources: settings.sources,
      rules: settings.alarms, since: nil)
    var figures = Figures()
    var records: [[UInt8]] = []
    var differences: [Difference] = []
    for (key, record) in rehearsal.summaries.sorted(by: { $0.key < $1.key }) where isMeant(key) {
      records.append(record.json)
      switch sent.windows[key]?.digest {
      case record.digest?: figures.same += 1
      case nil: figures.unsent += 1
      default:
        figures.different += 1
        differences.append(Difference(sent: sent.json(key) ?? [], computed: record.json))
      }
    }
    figures.gone = sent.windows.keys.count { isMeant($0) && rehearsal.summaries[$0] == nil }
    if json { return printJSON(figures, records, differences) }
    if all {
      write(records)
    } else {
      write(differences.flatMap { [Array("- ".utf8) + $0.sent, Array("+ ".utf8) + $0.computed] })
    }
    Console.error(
      """
      \(figures.same) as they were sent, \(figures.different) different, \(figures.unsent) that were not sent, \
      \(figures.gone) whose messages are deleted
      """)
  }

  private func write(_ lines: [[UInt8]]) {
    var writer = LineWriter()
    for line in lines { writer.line(line) }
    writer.flush()
  }

  private func printJSON(_ figures: Figures, _ records: [[UInt8]], _ differences: [Difference]) {
    var writer = JSONWriter()
    writer.object { object in
      object.field("same", figures.same)
      object.field("different", figures.different)
      object.field("unsent", figures.unsent)
      object.field("gone", figures.gone)
      object.array("differences") { array in
        for difference in differences {
          array.object { one in
            one.field("sent", json: difference.sent)
            one.field("computed", json: difference.computed)
          }
        }
      }
      if all { object.array("records") { array in for record in records { array.element(json: record) } } }
    }
    Console.print(writer.text)
  }
}
