import ArgumentParser
import CFaultVFS

struct IOErrors: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "io-errors",
    abstract: "Lets every n-th write, sync, open, truncation, read, deletion and map of a run fail, once and lasting.",
    discussion: """
      What failed must not have been acknowledged, nothing is tried again in place after a failed sync, and after \
      opening anew everything acknowledged is there, also where the kernel has forgotten what the failed sync was to \
      save. The control counts a commit as acknowledged before it has returned, and must lose some.
      """)

  @Option(help: "Only every so many-th operation.")
  var stride = 1
  @OptionGroup var options: ProofOptions

  /// One kind of failure at one place.
  struct Fault: Sendable {
    var kind: Int
    var nth: Int64
    var lasting: Bool
    var full: Bool

    static let kinds = ["write", "sync", "open", "truncate", "read", "map", "delete"]
    var name: String {
      "\(Fault.kinds[kind]) \(nth), \(full ? "no space" : "I/O error"), \(lasting ? "lasting" : "once")"
    }
    var isWrite: Bool { kind == Int(lumbung_fault_write.rawValue) }
  }

  private static let scriptLength = 14

  func validate() throws {
    guard stride > 0 else { throw ValidationError("--stride is 1 or more") }
  }

  func run() throws {
    let tally = try Workers.run("io-errors", count: options.workers) { number, count, progress in
      var tally = Tally()
      let script = Script(seed: options.seed, length: IOErrors.scriptLength)
      let folder = try Folder("io")
      let outcome = try Reference.outcome(script, in: folder)
      var faults = try IOErrors.faults(script, folder)
      // Some of those that leave nothing of a commit: one whose sync failed is there for the next start.
      if options.control { faults.removeAll { !$0.isWrite || !$0.nth.isMultiple(of: 8) } }
      for (index, fault) in faults.enumerated() where index % stride == 0 && (index / stride) % count == number {
        if let only = options.only, only != index { continue }
        progress.note(done: tally["tries"], seed: options.seed, number: index)
        examine(script, outcome, fault, folder, index, &tally)
        if tally["broken"] >= 1000 { break }
      }
      return tally
    }
    try Outcome(
      fault: "io-errors", control: options.control ? "acknowledged in spite of a failed commit" : nil,
      tries: tally["tries"], tally: tally,
      figures: [
        "lost", "corrupt", "wrong", "commits tried again in place after a failed sync", "operations failed",
        "calls refused", "opened anew",
      ]
    ).tell(json: options.json)
  }

  /// Every operation of an undisturbed run, each in all ways in which it can fail.
  private static func faults(_ script: Script, _ folder: Folder) throws -> [Fault] {
    folder.clear()
    lumbung_fault_begin(false)
    var run = FaultyRun(script: script, folder: folder, acknowledgesEarly: false)
    try run.go(nil)
    var faults: [Fault] = []
    for kind in Fault.kinds.indices {
      let count = lumbung_fault_count(Int32(kind))
      let wantsSpace = kind == Int(lumbung_fault_write.rawValue) || kind == Int(lumbung_fault_map.rawValue)
      for nth in 0..<count {
        for lasting in [false, true] {
          // Only writes and maps want space; the others fail by I/O errors alone.
          for full in wantsSpace ? [false, true] : [false] {
            faults.append(Fault(kind: kind, nth: nth + 1, lasting: lasting, full: full))
          }
        }
      }
    }
    return faults
  }

  private func examine(
    _ script: Script, _ outcome: [String: [UInt8]], _ fault: Fault, _ folder: Folder, _ index: Int,
    _ tally: inout Tally
  ) {
    folder.clear()
    lumbung_fault_begin(true)
    for name in Recorder.smallFiles { lumbung_fault_watch(folder.path + "/" + name) }
    var run = FaultyRun(script: script, folder: folder, acknowledgesEarly: options.control)
    var verdict = Verdict()
    do {
      try run.go(fault)
      lumbung_fault_stop_recording()
      run.judge(outcome, &verdict)
    } catch {
      verdict.corrupt.append("\(error)")
    }
    run.close()
    let inPlace = Int(lumbung_fault_writes_after_failed_sync())
    if inPlace > 0 { verdict.wrong.append("\(inPlace) writes to a log whose sync had failed") }
    tally["tries"] += 1
    tally["operations failed"] += Int(lumbung_fault_failures())
    tally["commits tried again in place after a failed sync"] += inPlace
    tally["opened anew"] += run.reopened
    tally["calls refused"] += run.refused
    verdict.count(
      into: &tally, "--seed \(options.seed) --only \(index) (\(fault.name))", isAlone: options.only != nil)
  }
}
