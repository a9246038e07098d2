import CFaultVFS
import Derive
import Journal
import Outbox
import Telemetry

/// One recorded run of a script from the first start to an orderly stop.
struct Recording {
  let script: Script
  let operations: [Operation]
  let names: [String]
  /// What was known, by the number of a mark.
  let notes: [Knowledge]
  let checkpoints: Int
}

/// Runs a script on the real code, and keeps what the world outside learns.
struct Recorder {
  private var knowledge: Knowledge
  private var notes: [Knowledge] = []

  private init(_ start: EarlierStore?) { knowledge = Knowledge(start) }

  private mutating func note() {
    notes.append(knowledge)
    lumbung_fault_mark(Int64(notes.count - 1))
  }

  static let smallFiles = ["generation", "journal.db.lock", "outbox.db.suspect"]

  /// - Parameter halvesMigration: the negative control: an earlier store's schema is changed in more than one
  ///   transaction.
  static func run(
    _ script: Script, in folder: Folder, synchronous: String, halvesMigration: Bool = false
  ) throws -> Recording {
    try folder.begin(script.start)
    lumbung_fault_begin(true)
    for name in smallFiles { lumbung_fault_watch(folder.path + "/" + name) }
    var recorder = Recorder(script.start)
    recorder.note()
    if halvesMigration { try StoreSchema.halveMigration(folder.path) }
    try recorder.run(script, folder, synchronous)
    lumbung_fault_mark(Int64(recorder.notes.count - 1))
    lumbung_fault_stop_recording()
    let operations = Operation.recorded()
    let names = Operation.names()
    let databases = names.indices.filter { names[$0].hasSuffix(".db") }
    let checkpoints = databases.reduce(0) { sum, file in
      sum + operations.count { $0.kind == .sync && $0.file == file }
    }
    lumbung_fault_begin(false)
    return Recording(
      script: script, operations: operations, names: names, notes: recorder.notes, checkpoints: checkpoints)
  }

  private mutating func run(_ script: Script, _ folder: Folder, _ synchronous: String) throws {
    var gateway: Gateway? = try Gateway(folder: folder.path, script: script, synchronous: synchronous)
    for step in script.steps {
      try take(step, gateway)
      guard step.restarts else { continue }
      try gateway?.deriver.finish()
      gateway = nil
      note()
      gateway = try Gateway(folder: folder.path, script: script, synchronous: synchronous)
    }
    try finish(gateway)
    gateway = nil
    note()
  }

  private mutating func finish(_ gateway: Gateway?) throws {
    guard let gateway else { return }
    try gateway.finish()
    knowledge.derivedThrough = try gateway.outbox.derivedBefore() ?? 0
    note()
    try send(gateway)
  }

  private mutating func take(_ step: Script.Step, _ gateway: Gateway?) throws {
    guard let open = gateway else { return }
    knowledge.acknowledged.append(try open.append(step))
    knowledge.uuid = open.writer.uuid
    note()
    if step.derives {
      try open.derive()
      knowledge.derivedThrough = try open.outbox.derivedBefore() ?? 0
      note()
    }
    if step.sends { try send(open) }
    if step.enforcesQuota { try open.enforceQuota() }
    if step.trims, let bound = try open.trimBound() {
      knowledge.trimBound = max(knowledge.trimBound, bound)
      note()
      try open.trim(before: bound)
    }
  }

  private mutating func send(_ open: Gateway) throws {
    var recorder = self
    try open.send(
      received: {
        recorder.knowledge.receiver.receive($0)
        recorder.note()
      },
      refused: {
        recorder.knowledge.receiver.refuse($0)
        recorder.note()
      },
      settled: {
        recorder.knowledge.receiver.settle($0)
        recorder.note()
      })
    self = recorder
  }
}
