import ArgumentParser
import Gateway
import Settings
import Telemetry
import Uplinks

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Say how the gateway is: broker, journal, windows, backlog, alarms.",
    discussion: """
      Asks the running daemon at [admin] listen; where it does not answer, reads the store.

      Exit status: 0 where the daemon answers, 69 where it does not.
      """)

  @OptionGroup var configuration: ConfigurationOption
  @Flag(help: "Print one JSON object.") var json = false

  func run() throws {
    let settings = try configuration.load()
    do {
      guard let listen = settings.admin.listen else {
        throw Exit.failing(Exit.unavailable, "[admin] listen is off in \(configuration.path): there is nobody to ask")
      }
      // The page's own certificate is all that is believed here: it needn't bear the address's name.
      let certificate = settings.admin.certFile
      let url = "\(certificate == nil ? "http" : "https")://\(listen)/api/status"
      let answer = try HTTPClient.get(url: url, timeout: .seconds(5), pinned: certificate.map(Credential.path))
      guard answer.status == 200 else {
        throw Exit.failing(Exit.unavailable, "\(url) answers \(answer.status)")
      }
      let report = try StatusReport(json: answer.body)
      Console.print(json ? String(decoding: answer.body, as: UTF8.self) : StatusText.render(report))
    } catch let error as ExitCode {
      throw error
    } catch {
      try offline(settings, "\(error)")
    }
  }

  private func offline(_ settings: GatewaySettings, _ reason: String) throws {
    Console.error("the daemon does not answer: \(reason)")
    Console.error("is it running? systemctl status lumbung; journalctl -u lumbung")
    if let store = try? OfflineStore(path: settings.store.path) {
      if json { Console.print(store.json) } else { Console.print(store.text) }
    }
    throw ExitCode(Exit.unavailable)
  }
}
