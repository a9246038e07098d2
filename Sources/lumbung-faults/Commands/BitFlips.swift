import ArgumentParser
import SQLite

struct BitFlips: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bit-flips",
    abstract: "Damages a store with content in one place, opens it and goes on.",
    discussion: """
      A bit, a byte or 512 bytes of a database or its log are changed. What is not told must change nothing; what is \
      told may cost what was damaged and nothing else: never another record in a record's place, never a start that \
      fails again and again. The control believes what it reads.
      """)

  @Option(help: "Places.")
  var places = 2_000
  @OptionGroup var options: ProofOptions

  /// Places on one store; each store is another script's, stopped at another moment.
  private static let placesPerStore = 100

  func run() throws {
    if options.control { Database.believePages() }
    let tally = try Workers.run("bit-flips", count: options.workers) { number, count, progress in
      var tally = Tally()
      let folder = try Folder("flips")
      var store: DamagedStore?
      for place in 0..<places where place / BitFlips.placesPerStore % count == number {
        if let only = options.only, only != place { continue }
        let which = place / BitFlips.placesPerStore
        if store?.number != which { store = try DamagedStore(number: which, seed: options.seed, in: folder) }
        guard let store else { break }
        progress.note(done: tally["tries"], seed: options.seed, number: place)
        var run = try DamagedRun(store: store, place: place, folder: folder)
        run.go()
        tally["tries"] += 1
        for name in run.counted { tally[name] += 1 }
        tally["segments lost"] += run.lost.count
        run.verdict.count(
          into: &tally, "--seed \(options.seed) --only \(place) (\(run.flip.name))", isAlone: options.only != nil)
      }
      return tally
    }
    try Outcome(
      fault: "bit-flips", control: options.control ? "checksums not looked at" : nil, tries: tally["tries"],
      tally: tally,
      figures: [
        "lost", "corrupt", "wrong", "noticed", "changed nothing", "journal set aside", "journal repaired",
        "outbox set aside", "log of the outbox set aside", "started again", "damaged pages", "as after a power cut",
        "damaged segments", "segments lost",
      ]
    ).tell(json: options.json)
  }
}
