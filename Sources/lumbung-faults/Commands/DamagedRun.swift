import Derive
import Journal
import Outbox
import SQLite
import Telemetry

/// Opens a damaged store and goes on to the script's end, starting again as the service would.
struct DamagedRun {
  let flip: Flip
  private(set) var verdict = Verdict()
  /// What happened, by the names of the tally's figures.
  private(set) var counted: Set<String> = []
  private(set) var lost: [Int64] = []

  private let store: DamagedStore
  private let folder: Folder
  private var receiver: Receiver
  private var next: Int
  private var errors: [String] = []
  private var reasons: [String] = []

  /// Starts after which a service that still fails would fail for ever.
  private static let mostStarts = 5
  /// A page of the journal holds a few segments, and the block of one may reach into the next.
  private static let mostLost = 8

  init(store: DamagedStore, place: Int, folder: Folder) throws {
    self.store = store
    self.folder = folder
    receiver = store.receiver
    next = store.acknowledged.count
    var random = Seeded(UInt64(place) &* 7919 &+ store.script.seed)
    flip = Flip(files: store.files, &random)
    try store.restore(folder, flip)
  }

  private var isTold: Bool { !counted.isEmpty }

  mutating func go() {
    for _ in 0..<DamagedRun.mostStarts {
      do {
        try run()
        try lookAtSegments()
        judge()
        if flip.isAsAfterPowerCut, !isTold || !verdict.lost.isEmpty || !verdict.wrong.isEmpty {
          (verdict.lost, verdict.wrong) = ([], [])
          counted = ["as after a power cut"]
        }
        return
      } catch {
        errors.append("\(error)")
        counted.insert("started again")
      }
    }
    verdict.corrupt.append("it fails again and again: \(errors.suffix(2))")
  }

  private mutating func run() throws {
    let gateway = try Gateway(folder: folder.path, script: store.script, synchronous: "OFF", checkpoints: false)
    note(gateway)
    // What a start leaves out is looked through while the journal is in use.
    let examination = try JournalExamination(path: folder.path + "/journal.db")
    defer {
      if examination.metDamagedPage || gateway.deriver.metDamagedPage { counted.insert("damaged pages") }
    }
    while try examination.step() {}
    if !examination.findings.isEmpty { counted.insert("damaged segments") }
    if gateway.writer.uuid != store.uuid { verdict.lost.append("the journal is another one") }
    while next < store.script.steps.count {
      _ = try gateway.append(store.script.steps[next])
      next += 1
      if next % 4 == 0 { try gateway.derive() }
    }
    try gateway.finish()
    var known = receiver
    defer { receiver = known }
    try gateway.send(received: { known.receive($0) }, settled: { known.settle($0) })
    if gateway.deriver.counts.damagedSegments > 0 { counted.insert("damaged segments") }
  }

  private mutating func note(_ gateway: Gateway) {
    let (journal, outbox) = (gateway.writer.openReport, gateway.outbox.openReport)
    if journal.outcome == .repaired { counted.insert("journal repaired") }
    if journal.setAside != nil { counted.insert("journal set aside") }
    if journal.outcome == .created { verdict.lost.append("the journal was made anew") }
    if outbox.setAside != nil { counted.insert(outbox.isNew ? "outbox set aside" : "log of the outbox set aside") }
    reasons += [journal.reason, outbox.reason].compactMap { $0 }
    if outbox.isNew, outbox.setAside == nil { verdict.lost.append("the outbox was made anew without a word") }
  }

  private mutating func judge() {
    do {
      // One start more: what is damaged must not be met for ever.
      let gateway = try Gateway(folder: folder.path, script: store.script, synchronous: "OFF", checkpoints: false)
      if gateway.writer.openReport.setAside != nil || gateway.outbox.openReport.setAside != nil {
        counted.insert("set aside at a later start")
      }
    } catch {
      verdict.corrupt.append("afterwards: \(error)")
    }
    compare()
    counted.insert(isTold ? "noticed" : "changed nothing")
  }

  private mutating func lookAtSegments() throws {
    let view = try JournalView(folder: folder.path)
    for (index, id) in store.acknowledged.enumerated() {
      let step = store.script.steps[index]
      switch view.segments[id] {
      case .some(.some(let digest)):
        if digest != JournalView.digest(step.messages, step.wall) {
          verdict.wrong.append("segment \(id) reads back as something else")
        }
      case .some(.none), .none: lost.append(id)
      }
    }
    if !lost.isEmpty, !isTold { verdict.lost.append("segments \(lost), untold") }
    if lost.count > DamagedRun.mostLost {
      verdict.lost.append("segments \(lost) by one damaged place: \(reasons), \(counted.sorted()), \(errors)")
    }
  }

  private mutating func compare() {
    if !receiver.contradictions.isEmpty { verdict.wrong += receiver.contradictions }
    // What comes again with the same content is counted once: where a mark is lost, that is right.
    if !isTold { verdict.wrong += receiver.holes }
    let result = receiver.outcome()
    for (name, record) in store.outcome.sorted(by: { $0.key < $1.key }) {
      guard let got = result[name] else {
        if !isTold { verdict.wrong.append("\(name) never came") }
        continue
      }
      if got == record { continue }
      let (count, expected) = (Receiver.received(got), Receiver.received(record))
      // With fewer messages it is another record, and rightly so where their loss was told.
      if !isTold || count > expected || count == expected && lost.isEmpty && !counted.contains("outbox set aside") {
        let (got, due) = (String(decoding: got, as: UTF8.self), String(decoding: record, as: UTF8.self))
        verdict.wrong.append("\(name) differs: \(got) came, \(due) is due; \(counted.sorted()), \(errors)")
      }
    }
    if !isTold {
      for name in result.keys where store.outcome[name] == nil { verdict.wrong.append("\(name) should not be there") }
    }
  }
}
