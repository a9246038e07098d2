import ArgumentParser
import CCallgrind
import Glibc
import HotParts

struct PartsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parts", abstract: "Run the gateway's hot parts, each once.",
    discussion: """
      Under callgrind, with --instr-atstart=no, only what is measured is counted, and written down under the part's name. \
      Prints one line for each part: name, unit, how many.
      """)

  @Option(help: "The repository.") var repository = "."
  @Option(help: "A folder for databases, which must be empty.") var folder: String
  @Flag(help: "50,000 devices, too.") var many = false
  @Option(help: "Only parts whose names contain this.") var only: String?

  func run() throws {
    let place = try Workplace(
      folder: folder, configuration: repository + "/Config/simulated-district.toml",
      alarms: repository + "/Benchmarks/alarms.toml")
    for part in HotPart.all + (many ? [HotPart.manyDevices] : []) where only.map(part.name.contains) ?? true {
      let work = try part.prepare(place)
      lumbung_callgrind_start()
      try work()
      lumbung_callgrind_dump(part.name)
      lumbung_callgrind_stop()
      print("\(part.name)\t\(part.unit)\t\(part.count)")
      fflush(nil)
    }
  }
}
