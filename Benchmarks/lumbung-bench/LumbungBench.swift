import ArgumentParser

@main
struct LumbungBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lumbung-bench", abstract: "What the benchmarks need of the gateway's own code.",
    subcommands: [CorpusCommand.self, PartsCommand.self, WindowsCommand.self])
}
