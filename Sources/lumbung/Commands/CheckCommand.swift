import ArgumentParser
import Decoding
import Gateway
import Settings
import Telemetry

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Validate the configuration; every fault with its file, line and cure.",
    discussion: "Exit status: 0 where the configuration is valid, else 78.")

  @OptionGroup var configuration: ConfigurationOption
  @Flag(help: "Print one JSON object.") var json = false

  func run() throws {
    let settings: GatewaySettings
    var cautions: [Caution]
    do throws(SettingsFaults) {
      settings = try GatewaySettings.load(
        path: configuration.path, knownFormats: Decoder.formats, checkingNamedFiles: true)
      try compile(settings)
      cautions = try PageCertificate.check(settings, file: configuration.path)
    } catch {
      report(error.faults)
      throw ExitCode(Exit.configuration)
    }
    cautions += settings.cautions + GatewaySettings.cautions(ofFile: configuration.path)
    guard json else {
      for caution in cautions { Console.error("\(configuration.path): warning: \(caution)") }
      Console.print(
        "\(configuration.path): valid; \(count(settings.sources.count, "source")), "
          + "\(count(settings.alarms.count, "alarm rule")), \(count(settings.uplinks.count, "uplink"))")
      return
    }
    var writer = JSONWriter()
    writer.object { json in
      json.field("valid", true)
      json.array("faults") { _ in }
      json.array("warnings") { list in
        for caution in cautions {
          var one = JSONWriter()
          one.object { object in
            object.field("message", caution.message)
            object.field("hint", caution.cure)
          }
          list.element(json: one.bytes)
        }
      }
    }
    Console.print(writer.text)
  }

  /// What only decoding can judge: pointers, zones, templates of built-in formats.
  private func compile(_ settings: GatewaySettings) throws(SettingsFaults) {
    do throws(DecoderSetupFault) {
      _ = try Decoder(sources: settings.sources, timezone: settings.timezone, registry: Registry())
    } catch {
      throw SettingsFaults([SettingsFault(file: configuration.path, line: nil, message: "\(error)")])
    }
  }

  private func report(_ faults: [SettingsFault]) {
    guard json else {
      for fault in faults { Console.error("\(fault)") }
      return
    }
    var writer = JSONWriter()
    writer.object { json in
      json.field("valid", false)
      json.array("faults") { list in
        for fault in faults {
          var one = JSONWriter()
          one.object { object in
            object.field("file", fault.file)
            if let line = fault.line { object.field("line", line) }
            object.field("message", fault.message)
            if let hint = fault.hint { object.field("hint", hint) }
          }
          list.element(json: one.bytes)
        }
      }
    }
    Console.print(writer.text)
  }

  private func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
