import CFaultVFS
import Derive
import Journal
import Outbox
import SQLite
import Telemetry

/// Runs a script while an operation fails, and does what the gateway does: what was refused is not acknowledged and
/// comes again; after an I/O error everything is opened anew.
struct FaultyRun {
  let script: Script
  let folder: Folder
  /// The negative control.
  let acknowledgesEarly: Bool

  private var gateway: Gateway?
  private var receiver = Receiver()
  private var acknowledged: [(id: Int64, step: Int)] = []
  private var trimBound: Int64 = 0
  private(set) var reopened = 0
  private(set) var refused = 0
  /// Refusals since the fault began; a lasting one is mended after a few.
  private var patience = 4

  init(script: Script, folder: Folder, acknowledgesEarly: Bool) {
    self.script = script
    self.folder = folder
    self.acknowledgesEarly = acknowledgesEarly
  }

  mutating func go(_ fault: IOErrors.Fault?) throws {
    if let fault { lumbung_fault_fail(Int32(fault.kind), fault.nth, fault.lasting, fault.full) }
    for (number, step) in script.steps.enumerated() {
      try untilDone { run in
        let open = try run.opened()
        // A commit that was refused left nothing behind, or may have left what a restart brought back.
        if run.isStored(number, open) { return }
        guard !run.acknowledgesEarly else { return run.acknowledgeAndAppend(number, open) }
        run.acknowledged.append((try open.append(step), number))
      }
      try untilDone { run in try run.take(step) }
      if step.restarts { gateway = nil }
    }
    try untilDone { run in
      let open = try run.opened()
      try open.finish()
      try run.send(open)
    }
    gateway = nil
    lumbung_fault_fail(0, 0, false, false)
  }

  /// The broker has its acknowledgement: what is refused then doesn't come again.
  private mutating func acknowledgeAndAppend(_ number: Int, _ open: Gateway) {
    acknowledged.append((open.writer.newestID + 1, number))
    do { _ = try open.append(script.steps[number]) } catch { meet(error) }
  }

  private func isStored(_ number: Int, _ open: Gateway) -> Bool {
    guard reopened > 0, let view = try? JournalView(folder: folder.path), let newest = view.segments[view.newestID]
    else { return false }
    return newest == JournalView.digest(script.steps[number].messages, script.steps[number].wall)
  }

  private mutating func opened() throws -> Gateway {
    if let gateway { return gateway }
    let made = try Gateway(folder: folder.path, script: script, synchronous: "FULL")
    gateway = made
    return made
  }

  private mutating func untilDone(_ body: (inout FaultyRun) throws -> Void) throws {
    var tries = 0
    while true {
      do {
        return try body(&self)
      } catch {
        tries += 1
        meet(error)
        if tries > 8 { throw error }
      }
    }
  }

  /// What the gateway does about it before it goes on.
  private mutating func meet(_ error: any Error) {
    refused += 1
    patience -= 1
    if patience <= 0 { lumbung_fault_fail(0, 0, false, false) }
    if FaultyRun.needsReopening(error) || gateway == nil {
      gateway = nil
      reopened += 1
    }
  }

  private static func needsReopening(_ error: any Error) -> Bool {
    switch error {
    case let error as JournalError: error.kind != .full && error.kind != .busy
    case let error as OutboxError: error.code == .halted || error.code == .database
    case let error as DatabaseError: error.kind != .full && error.kind != .busy
    default: true
    }
  }

  private mutating func take(_ step: Script.Step) throws {
    let open = try opened()
    if step.derives { try open.derive() }
    if step.sends { try send(open) }
    if step.enforcesQuota { try open.enforceQuota() }
    if step.trims, let bound = try open.trimBound() {
      trimBound = max(trimBound, bound)
      try open.trim(before: bound)
    }
  }

  private mutating func send(_ open: Gateway) throws {
    var known = receiver
    defer { receiver = known }
    try open.send(received: { known.receive($0) }, settled: { known.settle($0) })
  }

  mutating func close() { gateway = nil }

  // MARK: Afterwards

  /// First as the files stand, then as a power cut leaves them where the kernel forgot what no sync has saved.
  func judge(_ outcome: [String: [UInt8]], _ verdict: inout Verdict) {
    let operations = Operation.recorded()
    let names = Operation.names()
    look(&verdict)
    var disk = Disk()
    for operation in operations { disk.apply(operation) }
    var random = Seeded(1)
    do {
      try folder.fill(disk.files(.nothing, &random), names)
    } catch {
      verdict.corrupt.append("\(error)")
    }
    look(&verdict)
    verdict.compare(receiver, with: outcome)
  }

  private func look(_ verdict: inout Verdict) {
    do {
      let open = try Gateway(folder: folder.path, script: script, synchronous: "FULL")
      let view = try JournalView(folder: folder.path)
      for (id, step) in acknowledged where id >= trimBound {
        guard let digest = view.segments[id] else {
          verdict.lost.append(
            "segment \(id), acknowledged; there are \(view.segments.keys.sorted()), trimmed below \(trimBound)")
          continue
        }
        if digest != JournalView.digest(script.steps[step].messages, script.steps[step].wall) {
          verdict.lost.append("segment \(id) holds something else")
        }
      }
      let (journal, outbox) = (open.writer.openReport, open.outbox.openReport)
      if journal.setAside != nil { verdict.corrupt.append("the journal was set aside: \(journal.reason ?? "")") }
      if outbox.setAside != nil { verdict.corrupt.append("the outbox was set aside: \(outbox.reason ?? "")") }
      for name in ["journal.db", "outbox.db"] {
        let database = try Database(path: folder.path + "/" + name, mode: .reader)
        let finding = try database.text("PRAGMA integrity_check(1)") ?? "nothing"
        if finding != "ok" { verdict.corrupt.append("\(name): \(finding)") }
      }
    } catch {
      verdict.corrupt.append("\(error)")
    }
  }
}
