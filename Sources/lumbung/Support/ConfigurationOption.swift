import ArgumentParser
import Decoding
import Settings

/// `--config FILE`, as every command that needs the configuration has it.
struct ConfigurationOption: ParsableArguments {
  /// Where the package puts it.
  static let standardPath = "/etc/lumbung/gateway.toml"

  @Option(name: .customLong("config"), help: ArgumentHelp("The configuration.", valueName: "FILE"))
  var path = ConfigurationOption.standardPath

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
