import ArgumentParser
import Decoding
import Derive
import Gateway
import Settings
import Telemetry
import Threads

struct RehearseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rehearse",
    abstract: "Run the stored messages through another configuration, and show what would come out differently.",
    discussion: """
      Reads the journal of the configuration in use, never writes to the store, whether the daemon runs or not. Both \
      configurations derive the same messages; of each summary and alarm that differs both forms are shown, with - as \
      it is and + as it would be.

      Exit status: 0, or 74 where the store can't be read, 78 where a configuration is not valid.
      """)

  @Option(name: .customLong("config"), help: ArgumentHelp("The configuration to try.", valueName: "NEW"))
  var new: String
  @Option(help: ArgumentHelp("The configuration in use.", valueName: "FILE"))
  var present = "/etc/lumbung/gateway.toml"
  @Option(help: ArgumentHelp("How far back to begin.", valueName: "DURATION")) var since = Span.hours(24)
  @Option(help: ArgumentHelp("Show at most so many that differ.", valueName: "N")) var limit = 20
  @Flag(help: "Print one JSON object.") var json = false

  private struct Difference {
    var what: String
    var now: [UInt8]?
    var then: [UInt8]?
  }

  func run() throws {
    let old = try load(present)
    let new = try load(self.new)
    let from = SystemClock.wall - since
    let (before, after): (Rehearsal, Rehearsal)
    do {
      before = try rehearse(old, journal: old, from)
      after = try rehearse(new, journal: old, from)
    } catch {
      throw Exit.failing(Exit.io, "\(error)")
    }
    var differences: [Difference] = []
    var same = 0
    for key in Set(before.summaries.keys).union(after.summaries.keys).sorted() {
      let (now, then) = (before.summaries[key], after.summaries[key])
      if now?.digest == then?.digest {
        same += 1
      } else {
        differences.append(Difference(what: "summary", now: now?.json, then: then?.json))
      }
    }
    let (raised, wouldBe) = (transitions(before), transitions(after))
    for (key, record) in raised.sorted(by: { $0.key < $1.key }) where wouldBe[key] == nil {
      differences.append(Difference(what: "alarm", now: record, then: nil))
    }
    for (key, record) in wouldBe.sorted(by: { $0.key < $1.key }) where raised[key] == nil {
      differences.append(Difference(what: "alarm", now: nil, then: record))
    }
    report(differences, same: same, before, after)
  }

  private func load(_ path: String) throws -> GatewaySettings {
    do {
      return try GatewaySettings.load(path: path, knownFormats: Decoder.formats, checkingNamedFiles: false)
    } catch {
      for fault in error.faults { Console.error("\(fault)") }
      throw ExitCode(Exit.configuration)
    }
  }

  private func rehearse(
    _ settings: GatewaySettings, journal: GatewaySettings, _ from: Timestamp
  ) throws -> Rehearsal {
    try Rehearsal(
      journalPath: "\(journal.store.path)/journal.db", settings: settings.deriveSettings, sources: settings.sources,
      rules: settings.alarms, since: from)
  }

  /// By what makes a transition the same: its rule, device, metric, kind and time.
  private func transitions(_ rehearsal: Rehearsal) -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    for alarm in rehearsal.alarms {
      var writer = JSONWriter()
      alarm.write(to: &writer)
      let time = RFC3339.format(alarm.time)
      found["\(time) \(alarm.rule) \(alarm.device) \(alarm.metric ?? "") \(alarm.transition.rawValue)"] = writer.bytes
    }
    return found
  }

  private func report(_ differences: [Difference], same: Int, _ before: Rehearsal, _ after: Rehearsal) {
    func count(_ what: String, _ isMeant: (Difference) -> Bool) -> Int {
      differences.count { $0.what == what && isMeant($0) }
    }
    let gone = count("summary") { $0.then == nil }
    let added = count("summary") { $0.now == nil }
    let changed = count("summary") { $0.now != nil && $0.then != nil }
    let (lost, won) = (count("alarm") { $0.then == nil }, count("alarm") { $0.now == nil })
    guard json else {
      for difference in differences.prefix(limit) {
        if let now = difference.now { Console.print("- " + String(decoding: now, as: UTF8.self)) }
        if let then = difference.then { Console.print("+ " + String(decoding: then, as: UTF8.self)) }
      }
      if differences.count > limit { Console.print("… and \(differences.count - limit) more (--limit)") }
      Console.print("summaries: \(same) the same, \(changed) different, \(gone) gone, \(added) new")
      Console.print("alarm transitions: \(lost) gone, \(won) new")
      return Console.print(
        "messages that can't be decoded: \(before.counts.quarantined) now, \(after.counts.quarantined) then")
    }
    var writer = JSONWriter()
    writer.object { object in
      object.object("summaries") { summaries in
        summaries.field("same", same)
        summaries.field("different", changed)
        summaries.field("gone", gone)
        summaries.field("new", added)
      }
      object.object("alarms") { alarms in
        alarms.field("gone", lost)
        alarms.field("new", won)
      }
      object.object("quarantined") { quarantined in
        quarantined.field("now", before.counts.quarantined)
        quarantined.field("then", after.counts.quarantined)
      }
      object.array("differences") { array in
        for difference in differences.prefix(limit) {
          array.object { one in
            if let now = difference.now { one.field("now", json: now) }
            if let then = difference.then { one.field("then", json: then) }
          }
        }
      }
    }
    Console.print(writer.text)
  }
}
