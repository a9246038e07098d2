import ArgumentParser

/// What every proof can be told.
struct ProofOptions: ParsableArguments {
  @Option(help: "The first script's seed: the same seed gives the same run.")
  var seed: UInt64 = 1
  @Option(help: "Only the try of this number, under exactly this seed, as a failing run names it.")
  var only: Int?
  @Option(help: "Processes at work.")
  var jobs = 2
  @Flag(help: "The negative control: the promise is broken on purpose, and that must be noticed.")
  var control = false
  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    guard (1...64).contains(jobs) else { throw ValidationError("--jobs is a number from 1 to 64") }
  }

  /// So many processes; alone where a single try is wanted.
  var workers: Int { only == nil ? jobs : 1 }
}
