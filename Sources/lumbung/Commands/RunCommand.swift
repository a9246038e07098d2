import ArgumentParser
import Decoding
import Gateway
import Glibc
import Logging
import ServiceLifecycle
import Settings
import Systemd
import UnixSignals
import Uplinks

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run the gateway until it is told to stop (SIGTERM).",
    discussion: """
      SIGHUP has the configuration read again: sources, rules, windows, uplinks and the log level change \
      without a restart; where it is faulty the old one stays, and the log says why.

      Exit status: 0 after an orderly stop, 74 where the store can't be used, 78 where the configuration is not valid. \
      A broker or a central server that can't be reached is never fatal: see lumbung status.
      """)

  @OptionGroup var configuration: ConfigurationOption

  func run() async throws {
    // What is stored is for the gateway's user and group, whoever starts it.
    umask(umask(0o777) | 0o027)
    Memory.prepare()
    // Until the gateway listens for it.
    signal(SIGHUP, SIG_IGN)
    let settings = try configuration.load(checkingNamedFiles: true)
    do {
      try PageCertificate.check(settings, file: configuration.path)
    } catch {
      throw Exit.failing(Exit.configuration, error)
    }
    let log = ServiceLog(identifier: "lumbung", level: Logger.Level(rawValue: settings.logLevel.rawValue) ?? .info)
    for caution in settings.cautions { log.logger().warning("\(caution)") }
    let path = configuration.path
    let gateway = Gateway(settings: settings, log: log) {
      try GatewaySettings.load(path: path, knownFormats: Decoder.formats, checkingNamedFiles: true)
    }
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          ServiceGroupConfiguration.ServiceConfiguration(
            service: gateway, successTerminationBehavior: .gracefullyShutdownGroup)
        ],
        gracefulShutdownSignals: [.sigterm, .sigint], logger: log.logger()))
    do {
      try await group.run()
    } catch let error as GatewayError {
      throw Exit.failing(error.status.rawValue, error)
    } catch let error as DecoderSetupFault {
      throw Exit.failing(Exit.configuration, "\(configuration.path): \(error)")
    } catch let error as UplinkError {
      throw Exit.failing(Exit.configuration, "\(configuration.path): \(error)")
    } catch {
      throw Exit.failing(Exit.io, "\(error)")
    }
  }
}
