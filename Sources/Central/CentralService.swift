import Hummingbird
import Logging
import SQLite
import ServiceLifecycle
import Systemd
import TLS
import Telemetry
import Threads
import UnixSignals

/// The receiver as a whole: store, routes and server, from start to graceful end.
public struct CentralService: Sendable {
  /// How long requests that are under way may take to finish at the end. One that was only half sent when its link
  /// died would never; its sender comes again.
  private static let patience = Duration.seconds(5)

  private let address: ListenAddress
  private let location: StoreLocation
  private let tokens: Tokens?
  private let certificate: ServerCertificate?
  private let logger: Logger

  /// - Parameters:
  ///   - tokens: who may write; `nil` for anyone, which only an address that is this machine's alone may offer.
  ///   - certificate: with it, all is served over TLS.
  ///   - logger: for what people should know; nothing is logged per request.
  public init(
    address: ListenAddress, location: StoreLocation, tokens: Tokens?, certificate: CertificateFiles? = nil,
    logger: Logger
  ) throws(CentralError) {
    guard tokens != nil || address.isLoopback else {
      throw .configuration(
        "without --token-file anyone who reaches \(address.host) could write; give one, or listen on 127.0.0.1")
    }
    self.address = address
    self.location = location
    self.tokens = tokens
    do throws(CertificateError) {
      self.certificate = try certificate.map { files throws(CertificateError) in
        try ServerCertificate(files) { error in logger.error("the old certificate stays: \(error)") }
      }
    } catch {
      throw .configuration("\(error)")
    }
    self.logger = logger
  }

  /// Serves until SIGTERM or SIGINT: then it takes no new requests, finishes those it has, and closes the store.
  public func run() async throws(CentralError) {
    let store = try await open()
    if tokens == nil { logger.warning("no --token-file: every program on this machine may write") }
    if let caution = certificate?.caution(at: Int(SystemClock.wall.nanoseconds / 1_000_000_000)) {
      logger.warning("\(caution)")
    }
    if certificate == nil, !address.isLoopback {
      logger.warning(
        """
        tokens and records go over the network unencrypted: give --cert-file and --key-file, or listen on 127.0.0.1 \
        behind a reverse proxy with TLS
        """)
    }
    let routes = Routes(store: store, tokens: tokens, now: { SystemClock.wall })
    let notifier = Notifier()
    let listening = "listening on \(address.host):\(address.port)"
    let server = CentralServer(routes: routes, address: address, certificate: certificate, logger: logger) {
      notifier.send(.ready + .status(listening))
    }
    let supervision = Supervision(notifier: notifier, store: store, status: listening)
    // Shut down in reverse: the store goes last, when nobody uses it any more.
    var configuration = ServiceGroupConfiguration(
      services: [store, server.application, supervision], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    configuration.maximumGracefulShutdownDuration = CentralService.patience
    let group = ServiceGroup(configuration: configuration)
    do {
      try await group.run()
    } catch let error as DatabaseError {
      throw .storage("\(error)")
    } catch {
      await store.close()
      throw .unavailable("serving on \(address.host):\(address.port) failed: \(error)")
    }
  }

  private func open() async throws(CentralError) -> SQLiteCentralStore {
    switch location {
    case .sqlite(let path):
      do {
        return try await SQLiteCentralStore.open(path: path)
      } catch {
        throw .storage("\(error)")
      }
    }
  }
}
