import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import TLS

/// Carries HTTP to `Routes` and back.
struct CentralServer: Sendable {
  /// Ten thousand gateways that report once in five minutes need some thirty connections at a time.
  private static let maximumConnections = 1024
  /// A connection on which nothing has come for so long is given up: links in the field die without a word.
  private static let idleTimeout = TimeAmount.seconds(90)

  private let routes: Routes
  private let address: ListenAddress
  private let certificate: ServerCertificate?
  private let logger: Logger
  private let onListening: @Sendable () -> Void

  /// - Parameter onListening: called once requests are answered.
  init(
    routes: Routes, address: ListenAddress, certificate: ServerCertificate? = nil, logger: Logger,
    onListening: @escaping @Sendable () -> Void = {}
  ) {
    self.routes = routes
    self.address = address
    self.certificate = certificate
    self.logger = logger
    self.onListening = onListening
  }

  var application: Application<CallbackResponder<BasicRequestContext>> {
    let (routes, address, logger, onListening) = (routes, address, logger, onListening)
    let responder = CallbackResponder<BasicRequestContext> { request, _ in
      CentralServer.response(await routes.answer(CentralServer.request(request)), to: request)
    }
    return Application(
      responder: responder,
      server: .http1(
        configuration: HTTP1Channel.Configuration(
          idleTimeout: CentralServer.idleTimeout,
          httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)),
        certificate: certificate),
      configuration: ApplicationConfiguration(
        address: .hostname(address.host, port: address.port), serverName: "lumbung-central",
        availableConnectionsDelegate: MaximumAvailableConnections(CentralServer.maximumConnections)),
      onServerRunning: { channel in
        logger.notice("listening on \(address.host):\(channel.localAddress?.port ?? address.port)")
        onListening()
      },
      logger: logger)
  }

  private static func request(_ request: Request) -> RouteRequest {
    let body = request.body
    let target = (request.head.path ?? "/").split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    return RouteRequest(
      method: request.method.rawValue, path: String(target[0]), query: target.count == 2 ? String(target[1]) : "",
      authorization: request.headers[.authorization], contentEncoding: request.headers[.contentEncoding],
      contentLength: request.headers[.contentLength].flatMap { Int($0) },
      body: { maximum in
        do {
          return Array(try await body.collect(upTo: maximum).readableBytesView)
        } catch is NIOTooManyBytesError {
          throw RouteRequest.BodyTooLarge()
        }
      })
  }

  private static func response(_ answer: RouteAnswer, to request: Request) -> Response {
    var response = Response(
      status: HTTPResponse.Status(code: answer.status),
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    for (name, value) in answer.headers { set(&response.headers, name, value) }
    set(&response.headers, "Content-Type", answer.contentType)
    set(&response.headers, "X-Content-Type-Options", "nosniff")
    set(&response.headers, "Cache-Control", "no-store")
    set(
      &response.headers, "Content-Security-Policy",
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
        + "frame-ancestors 'none'")
    return request.method == .head ? response.createHeadResponse() : response
  }

  private static func set(_ headers: inout HTTPFields, _ name: String, _ value: String) {
    if let name = HTTPField.Name(name) { headers[name] = value }
  }
}
