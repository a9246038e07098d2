import ArgumentParser
import Gateway

/// The command line of the gateway box.
@main
struct Lumbung: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lumbung",
    abstract: "The edge gateway: takes in what devices report over MQTT, keeps it, and hands it on, each once.",
    version: gatewayVersion,
    subcommands: [
      RunCommand.self, CheckCommand.self, StatusCommand.self, DecodeCommand.self, MessagesCommand.self,
      SummariesCommand.self, RehearseCommand.self, SimulateCommand.self, DeadlettersCommand.self, DiscoverCommand.self,
    ])
}
