import ArgumentParser
import Central
import Glibc
import Logging
import Systemd
import TLS

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serves the receiver until SIGTERM or SIGINT.",
    discussion: """
      POST /v1/batches takes batches from gateways. GET /v1/gateways, /v1/summaries, /v1/alarms, /healthz and \
      /metrics answer what came of them, and / is a page for people. Only writing needs a token; put a reverse \
      proxy before it where reading is not for everyone.

      With --cert-file and --key-file all is served over TLS. A renewed certificate is taken up with the next \
      connection.

      Exit codes: 0 after SIGTERM or SIGINT, 64 usage, 69 the address can't be served, 74 the database or the disk \
      refused, 78 configuration.
      """)

  @Option(help: ArgumentHelp("Address to listen on.", valueName: "addr"))
  var listen = "127.0.0.1:8480"

  @Option(help: ArgumentHelp("Where to keep the records: sqlite:FILE.", valueName: "url"))
  var database = "sqlite:lumbung-central.db"

  @Option(help: ArgumentHelp("File with the bearer tokens that may write, one a line.", valueName: "file"))
  var tokenFile: String?

  @Option(help: ArgumentHelp("Certificate to serve TLS with, PEM, its chain after it.", valueName: "file"))
  var certFile: String?

  @Option(help: ArgumentHelp("Key of the certificate, PEM, unreadable for others.", valueName: "file"))
  var keyFile: String?

  func validate() throws {
    guard (certFile == nil) == (keyFile == nil) else {
      throw ValidationError("--cert-file and --key-file go together")
    }
    guard ListenAddress(listen) != nil else {
      throw ValidationError("--listen \(listen) is no address; write HOST:PORT, as 127.0.0.1:8480 or [::1]:8480")
    }
  }

  func run() async throws {
    guard let address = ListenAddress(listen) else { return }
    // What is kept is for this user and group, whoever starts it.
    umask(umask(0o777) | 0o027)
    let logger = ServiceLog(identifier: "lumbung-central", level: .notice).logger()
    do {
      let service = try CentralService(
        address: address, location: StoreLocation(database), tokens: tokens(),
        certificate: certificate, logger: logger)
      try await service.run()
    } catch {
      Serve.complain("\(error)")
      throw ExitCode(error.exitCode)
    }
  }

  /// As named, or as systemd's `LoadCredential=` gives them.
  private var certificate: CertificateFiles? {
    if let certFile, let keyFile { return CertificateFiles(certificate: certFile, key: keyFile) }
    guard let folder = getenv("CREDENTIALS_DIRECTORY").map({ String(cString: $0) }) else { return nil }
    let files = CertificateFiles(certificate: "\(folder)/cert.pem", key: "\(folder)/key.pem")
    // One without the other is a mistake, and is told as such.
    let isGiven = access(files.certificate, F_OK) == 0 || access(files.key, F_OK) == 0
    return isGiven ? files : nil
  }

  private func tokens() throws(CentralError) -> Tokens? {
    guard let tokenFile else { return nil }
    let text: String
    do {
      text = try SmallFile.secrets(tokenFile)
    } catch {
      throw .configuration("--token-file \(tokenFile): \(error.reason)")
    }
    guard let tokens = Tokens(text: text) else {
      throw .configuration("--token-file \(tokenFile) holds no token; write one a line")
    }
    return tokens
  }

  private static func complain(_ message: String) {
    // Not `fputs`: Swift 6 takes `stderr` for shared mutable state.
    let line = Array("lumbung-central: \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}
