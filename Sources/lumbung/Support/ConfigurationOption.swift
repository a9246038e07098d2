import ArgumentParser
import Decoding
import Settings

/// `--config FILE`, as every command that needs the configuration has it.
struct ConfigurationOption: ParsableArguments {
  @Option(name: .customLong("config"), help: ArgumentHelp("The configuration.", valueName: "FILE"))
  var path = "/etc/lumbung/gateway.toml"

  /// Ends the command with 78 and every fault where the configuration is not valid.
  func load(checkingNamedFiles: Bool = false) throws -> GatewaySettings {
    do {
      return try GatewaySettings.load(
        path: path, knownFormats: Decoder.formats, checkingNamedFiles: checkingNamedFiles)
    } catch {
      for fault in error.faults { Console.error("\(fault)") }
      throw ExitCode(Exit.configuration)
    }
  }
}
