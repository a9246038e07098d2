import ArgumentParser
import CFaultVFS

@main
struct LumbungFaults: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lumbung-faults", abstract: "Proves what the store promises, fault by fault.",
    subcommands: [CrashStates.self, IOErrors.self, BitFlips.self, MakeJournal.self])

  static func main() {
    guard lumbung_fault_register() == 0 else { fatalError("SQLite has no file system layer") }
    main(nil)
  }
}
