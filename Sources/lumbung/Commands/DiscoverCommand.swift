import ArgumentParser
import Decoding
import Discovery
import Dispatch
import Glibc
import MQTT
import Settings
import Synchronization
import Telemetry
import Threads

struct DiscoverCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "discover", abstract: "Listen to the broker, and propose sources for what is heard.",
    discussion: """
      Listens as a client of its own, which publishes nothing, acknowledges nothing and leaves no session: the daemon \
      isn't disturbed. Shows the devices that were found, and [[source]] tables for those that the configuration \
      doesn't read yet, tried on all that was heard. Ctrl-C ends it early, with what was heard so far.

      Exit status: 0, also where nothing was heard; 64 where an option is not valid, 69 where the broker can't be \
      reached or refuses, 74 where FILE can't be written, 78 where the configuration is not valid.
      """)

  @Option(
    name: .customLong("config"),
    help: ArgumentHelp("The configuration in use: its broker, credentials and sources.", valueName: "FILE"))
  var config: String?
  @Option(help: ArgumentHelp("The broker; else the configuration's, else mqtt://127.0.0.1:1883.", valueName: "URL"))
  var broker: String?
  @Option(name: .customLong("for"), help: ArgumentHelp("How long to listen.", valueName: "DURATION"))
  var duration = Span.seconds(60)
  @Option(help: ArgumentHelp("Write the configuration with what is proposed to this file.", valueName: "FILE"))
  var write: String?
  @Flag(help: "Write over a file that is there.") var force = false
  @Flag(help: "Print one JSON object.") var json = false

  func validate() throws {
    guard duration >= .milliseconds(100), duration <= .hours(24) else {
      throw ValidationError("--for goes from 100ms to 24h")
    }
  }

  func run() async throws {
    if let write, !force, access(write, F_OK) == 0 {
      throw Exit.failing(Exit.usage, "\(write) is there already; name another file, or say --force to replace it")
    }
    let present = try config.map { try load($0) }
    let url = broker ?? present?.broker.url ?? "mqtt://127.0.0.1:1883"
    guard let address = BrokerAddress(url: url) else {
      throw Exit.failing(
        Exit.usage, "\(url) is no broker's URL; write mqtt://HOST, mqtt://HOST:PORT, or mqtts:// for TLS")
    }
    // One's own lie beside the configuration that is in use, or that will be.
    let profiles = ProfileShelf.standard(configuration: config ?? write ?? ConfigurationOption.standardPath)
    let hearing = Hearing(connection(address, present?.broker), duration: duration) { survey in
      (try? Discovery(survey, present: present, profiles: profiles))?.trial.devices.count
    }
    let heard = try await listen(hearing)
    let found: Discovery
    do throws(DecoderSetupFault) {
      found = try Discovery(heard.survey, present: present, profiles: profiles)
    } catch {
      throw Exit.failing(Exit.configuration, "\(config ?? "the configuration"): \(error)")
    }
    let report = DiscoveryReport(found, broker: "\(address)", duration: heard.duration)
    if json {
      var writer = JSONWriter()
      report.write(to: &writer)
      Console.print(writer.text)
    } else {
      Console.print(report.text)
    }
    if let ended = heard.ended { Console.error("\(ended)") }
    for fault in found.profileFaults { Console.error("\(fault)") }
    try finish(found, address)
  }

  private func load(_ path: String) throws -> GatewaySettings {
    do {
      return try GatewaySettings.load(path: path, knownFormats: Decoder.formats)
    } catch {
      for fault in error.faults { Console.error("\(fault)") }
      throw ExitCode(Exit.configuration)
    }
  }

  /// Never the gateway's own client id: the broker would throw the daemon out.
  private func connection(_ address: BrokerAddress, _ broker: BrokerSettings?) -> ListenerConfiguration {
    let passwordFile = broker?.passwordFile
    return ListenerConfiguration(
      address: address, username: broker?.username,
      password: { try passwordFile.map { try Secret.read(file: $0).value } },
      caFile: broker?.caFile, certFile: broker?.certFile, keyFile: broker?.keyFile,
      clientID: "lumbung-discover-" + String(UInt64.random(in: 0...0xffff_ffff_ffff), radix: 36), filters: ["#"])
  }

  private func listen(_ hearing: Hearing) async throws -> Hearing.Heard {
    let signals = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { hearing.stop() }
      source.resume()
      return source
    }
    defer { for source in signals { source.cancel() } }
    do {
      return try await withCheckedThrowingContinuation { continuation in
        do {
          _ = try BlockingThread("discover") { continuation.resume(with: Result { try hearing.run() }) }
        } catch {
          continuation.resume(throwing: error)
        }
      }
    } catch let error as MQTTError {
      let hint = error.kind == .refused && config == nil ? "\n--config FILE connects as the gateway does" : ""
      throw Exit.failing(Exit.unavailable, "\(error)\(hint)")
    } catch {
      throw Exit.failing(Exit.unavailable, "\(error)")
    }
  }

  private func finish(_ found: Discovery, _ address: BrokerAddress) throws {
    guard let write else {
      if !json, !found.sources.isEmpty { Console.print("\n" + found.text) }
      return
    }
    guard !found.sources.isEmpty else {
      Console.error("\(write) is not written: there is nothing to propose")
      return
    }
    let text: String
    if let config {
      text = ConfigurationFile.extended(try TextFile.read(config), with: found.text, at: SystemClock.wall)
    } else {
      text = ConfigurationFile.whole(found.text, broker: "\(address)", at: SystemClock.wall)
    }
    // As the daemon will read it.
    do {
      let settings = try GatewaySettings.parse(
        text: text, file: write, knownFormats: Decoder.formats, profiles: .standard(configuration: write))
      _ = try Decoder(sources: settings.sources, timezone: settings.timezone, registry: Registry())
    } catch {
      throw Exit.failing(Exit.configuration, "the proposal would not be valid as \(write):\n\(error)")
    }
    try TextFile.write(text, to: write)
    Console.error(
      "written to \(write)\(config == nil ? "; set [gateway] id, then: lumbung check --config \(write)" : "")")
  }
}
