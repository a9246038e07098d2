import ArgumentParser

struct CrashStates: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crash-states",
    abstract: "Rebuilds the files as a power cut could leave them after every operation, opens each and goes on.",
    discussion: """
      Seeded runs of the real journal, deriving and outbox are recorded below SQLite: first start, migration of an \
      earlier store, checkpoints, deletion and reuse, quota, orderly restarts. The control is the same with \
      synchronous=NORMAL, where acknowledged segments must be found lost.
      """)

  @Option(help: "States to open; files that were looked at before are not counted.")
  var states = 50_000
  @Option(help: "The folder with the files of every schema: two of three runs then begin with one of them.")
  var schemas: String?
  @Flag(help: "Another control: a migration in more than one transaction, which must be found half done.")
  var controlMigration = false
  @OptionGroup var options: ProofOptions

  /// Steps of a script: long enough for several checkpoints of both files, short enough to run to its end each time.
  private static let scriptLength = 22
  /// Of one that begins with a migration: that is what it is about.
  private static let migratingLength = 6

  /// Each so many-th state goes on to the script's end; the others only send what they hold. Going on costs as much as
  /// opening ten others.
  private static let strideToTheEnd = 8

  func run() throws {
    let synchronous = options.control ? "NORMAL" : "FULL"
    let tally = try Workers.run("crash-states", count: options.workers) { number, count, progress in
      var tally = Tally()
      let share = states / count + (number < states % count ? 1 : 0)
      var seed = options.seed &+ UInt64(number)
      while tally["states"] < share, tally["broken"] < 1000 {
        try examine(seed, synchronous, share: share, progress, &tally)
        if options.only != nil { break }
        seed = seed &+ UInt64(count)
      }
      return tally
    }
    try Outcome(
      fault: "crash-states",
      control: options.control ? "synchronous=NORMAL" : controlMigration ? "half a migration" : nil,
      tries: tally["states"],
      tally: tally,
      figures: [
        "lost", "corrupt", "wrong", "scripts", "operations", "checkpoints", "states with something unsynced",
        "run to the end", "equal states left out", "migrations", "in the old schema", "in the new schema",
      ]
    ).tell(json: options.json)
  }

  private func examine(
    _ seed: UInt64, _ synchronous: String, share: Int, _ progress: Workers.Progress, _ tally: inout Tally
  ) throws {
    let folder = try Folder("crash")
    let start = try schemas.flatMap { try EarlierStore.of(seed: seed, $0, folder) }
    if controlMigration, start == nil { return }
    let script = Script(
      seed: seed, length: start == nil ? CrashStates.scriptLength : CrashStates.migratingLength, start: start)
    let outcome = try Reference.outcome(script, in: folder)
    let migration = try start.map { Migration(before: $0.schema, after: try StoreSchema(folder.path)) }
    let recording = try Recorder.run(
      script, in: folder, synchronous: synchronous, halvesMigration: controlMigration)
    if start != nil { tally["migrations"] += 1 }
    tally["scripts"] += 1
    tally["operations"] += recording.operations.count { $0.kind != .mark }
    tally["checkpoints"] += recording.checkpoints
    var walk = CrashWalk(recording)
    let judge = CrashJudge(script: script, outcome: outcome, migration: migration)
    try walk.forEachState { state in
      if let only = options.only {
        guard state.number == only else { return state.number < only }
      } else if state.isRepeated {
        tally["equal states left out"] += 1
        return true
      }
      progress.note(done: tally["states"], seed: seed, number: state.number)
      try folder.fill(state.files, recording.names)
      let toTheEnd = options.only != nil || tally["states"] % CrashStates.strideToTheEnd == 0
      let verdict = judge.judge(folder, state.known, toTheEnd: toTheEnd)
      if toTheEnd { tally["run to the end"] += 1 }
      tally["states"] += 1
      if let side = verdict.side { tally[side.rawValue] += 1 }
      if state.inFlight { tally["states with something unsynced"] += 1 }
      verdict.count(
        into: &tally, "--seed \(seed) --only \(state.number) (\(state.place))", isAlone: options.only != nil)
      return tally["states"] < share
    }
  }
}
