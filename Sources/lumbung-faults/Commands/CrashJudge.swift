import Derive
import Journal
import Outbox
import SQLite
import Telemetry

/// Opens a store as a crash left it, looks whether what was promised is there, and lets it run to the script's end.
struct CrashJudge {
  let script: Script
  /// Of the run that nothing interrupted.
  let outcome: [String: [UInt8]]
  /// Of each step's messages.
  private let digests: [Int]
  private let migration: Migration?

  init(script: Script, outcome: [String: [UInt8]], migration: Migration?) {
    self.script = script
    self.migration = migration
    self.outcome = outcome
    digests = script.steps.map { JournalView.digest($0.messages, $0.wall) }
  }

  /// - Parameter toTheEnd: runs the rest of the script, and compares all that comes out; else only what the store holds
  ///   is sent.
  func judge(_ folder: Folder, _ known: Knowledge, toTheEnd: Bool) -> Verdict {
    var verdict = Verdict()
    do {
      try judge(folder, known, toTheEnd, &verdict)
    } catch {
      verdict.corrupt.append("\(error)")
    }
    return verdict
  }

  private func judge(_ folder: Folder, _ known: Knowledge, _ toTheEnd: Bool, _ verdict: inout Verdict) throws {
    // Until something is acknowledged the first start may not be over.
    if known.acknowledged.isEmpty, let migration {
      let found = try StoreSchema(folder.path)
      verdict.side = migration.side(found)
      verdict.corrupt += migration.faults(found)
    }
    // Not synced: what is asked here is whether it goes on, not whether it would survive once more.
    let gateway = try Gateway(folder: folder.path, script: script, synchronous: "OFF", checkpoints: false)
    let stored = try look(gateway, known, &verdict)
    let (journal, outbox) = (gateway.writer.openReport, gateway.outbox.openReport)
    if journal.setAside != nil { verdict.corrupt.append("the journal was set aside: \(journal.reason ?? "")") }
    if outbox.setAside != nil { verdict.corrupt.append("the outbox was set aside: \(outbox.reason ?? "")") }
    if let uuid = known.uuid, uuid != gateway.writer.uuid { verdict.lost.append("the journal is another one") }
    if let uuid = known.uuid, !uuid.isEmpty, gateway.outbox.generation != 0 {
      verdict.lost.append("the outbox was made anew: \(outbox.reason ?? "")")
    }
    if gateway.deriver.position > gateway.writer.newestID {
      verdict.wrong.append(
        "the cursor \(gateway.deriver.position) is beyond the journal's end \(gateway.writer.newestID)")
    }
    let derived = try gateway.outbox.derivedBefore() ?? 0
    if derived < known.derivedThrough {
      verdict.lost.append("a transaction that had returned: derived before \(derived), not \(known.derivedThrough)")
    }
    // The journal has been checked by its opening, and every segment of it was read; so was the outbox, but for its
    // indices.
    if toTheEnd {
      let outboxFile = try Database(path: folder.path + "/outbox.db", mode: .reader)
      let finding = try outboxFile.text("PRAGMA integrity_check(1)") ?? "nothing"
      if finding != "ok" { verdict.corrupt.append("outbox.db: \(finding)") }
    }
    guard verdict.isGood else { return }
    if toTheEnd {
      try goOn(gateway, from: stored, known, &verdict)
    } else {
      var receiver = known.receiver
      try send(gateway, &receiver)
      verdict.wrong += receiver.faults + receiver.holes + receiver.untold + receiver.missing(ofEarlier: outcome)
    }
  }

  /// - Returns: how many of the script's steps are stored.
  private func look(_ gateway: Gateway, _ known: Knowledge, _ verdict: inout Verdict) throws -> Int {
    let view = try JournalView(gateway.reader)
    for (index, id) in known.acknowledged.enumerated() {
      guard let digest = view.segments[id] else {
        if id >= known.trimBound { verdict.lost.append("segment \(id), acknowledged") }
        continue
      }
      if digest != digests[index] { verdict.corrupt.append("segment \(id) reads back as something else") }
    }
    let more = view.segments.filter { $0.key > known.end }
    let next = known.acknowledged.count
    guard let unacknowledged = more.first else { return next }
    // What was on its way may be there, once.
    if more.count > 1 || !digests.indices.contains(next) || unacknowledged.value != digests[next] {
      verdict.wrong.append("segments that nobody wrote: \(more.keys.sorted())")
    }
    return next + 1
  }

  private func goOn(_ gateway: Gateway, from stored: Int, _ known: Knowledge, _ verdict: inout Verdict) throws {
    var receiver = known.receiver
    for (index, step) in script.steps.enumerated().dropFirst(stored) {
      let id = try gateway.append(step)
      if id <= known.end { verdict.wrong.append("id \(id) was given twice") }
      if index == script.steps.count / 2 { try gateway.derive() }
    }
    try gateway.finish()
    try send(gateway, &receiver)
    verdict.compare(receiver, with: outcome)
  }

  private func send(_ gateway: Gateway, _ receiver: inout Receiver) throws {
    var known = receiver
    defer { receiver = known }
    try gateway.send(
      received: { known.receive($0) }, refused: { known.refuse($0) }, settled: { known.settle($0) })
  }
}
