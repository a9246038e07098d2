import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import TLS

/// The box's own small web server: a page for the technician, status as JSON, metrics, health. It only shows; nothing
/// can be changed through it.
///
/// The closures are called on threads that must not block: they hand out what was prepared elsewhere. They may be
/// called from several at once.
public struct LocalAPI: Service {
  /// A handful of browsers with a few connections each, a monitoring system; the rest waits in the kernel's queue.
  private static let mostConnections = 64
  /// A browser on the page asks every 2 s.
  private static let idleTimeout = TimeAmount.seconds(30)

  private let host: String
  private let port: Int
  private let certificate: ServerCertificate?
  private let responder: Responder
  private let onListening: @Sendable (Int) -> Void
  private let logger: Logger

  /// - Parameters:
  ///   - host: the name or address to listen on, an IPv6 one without brackets.
  ///   - port: 0 lets the system choose.
  ///   - certificate: with it, all is served over TLS.
  ///   - status: the gateway's status report, as JSON.
  ///   - metrics: in the text format of Prometheus, version 0.0.4.
  ///   - health: whether all is well, and if not, why, in words.
  ///   - onListening: called once, with the port that was bound.
  public init(
    host: String, port: Int, certificate: ServerCertificate? = nil, status: @escaping @Sendable () -> [UInt8],
    metrics: @escaping @Sendable () -> String,
    health: @escaping @Sendable () -> (ready: Bool, reasons: [String]), logger: Logger,
    onListening: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.host = host
    self.port = port
    self.certificate = certificate
    responder = Responder(status: status, metrics: metrics, health: health)
    self.onListening = onListening
    self.logger = logger
  }

  /// Serves until the graceful shutdown of the service group that it is in, or until its task is cancelled.
  ///
  /// - Throws: `ListenError` where the address can't be listened on.
  public func run() async throws {
    // Hummingbird tells at `info` what the line below tells in the gateway's own words.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .notice)
    let application = Application(
      responder: responder,
      server: .http1(configuration: .init(idleTimeout: LocalAPI.idleTimeout), certificate: certificate),
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: port),
        availableConnectionsDelegate: MaximumAvailableConnections(LocalAPI.mostConnections)),
      onServerRunning: { channel in
        let bound = channel.localAddress?.port ?? port
        logger.info("page, API and metrics are served", metadata: ["host": "\(host)", "port": "\(bound)"])
        onListening(bound)
      },
      logger: quiet)
    do {
      try await application.run()
    } catch let error as CancellationError {
      throw error
    } catch let error as ServiceGroupError {
      throw error
    } catch {
      throw ListenError(host: host, port: port, error)
    }
  }
}
