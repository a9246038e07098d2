import ArgumentParser

@main
struct LumbungCentral: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lumbung-central",
    abstract: "Receives what Lumbung gateways send, and keeps each record once.",
    subcommands: [Serve.self])
}
