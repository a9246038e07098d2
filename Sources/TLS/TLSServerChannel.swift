import HummingbirdCore
import Logging
import NIOCore

/// A server's connections, under TLS.
struct TLSServerChannel<Base: ServerChildChannel>: ServerChildChannel {
  let base: Base
  let certificate: ServerCertificate
  let patience: TimeAmount

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(TLSHandler(certificate, patience: patience))
    }.flatMap {
      base.setup(channel: channel, logger: logger)
    }
  }

  func handle(value: Base.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

extension HTTPServerBuilder {
  /// HTTP/1.1, under TLS where there is a certificate.
  ///
  /// - Parameter patience: how long a client may take to agree on keys.
  public static func http1(
    configuration: HTTP1Channel.Configuration, certificate: ServerCertificate?, patience: TimeAmount = .seconds(15)
  ) -> HTTPServerBuilder {
    guard let certificate else { return .http1(configuration: configuration) }
    return HTTPServerBuilder { responder in
      TLSServerChannel(
        base: HTTP1Channel(responder: responder, configuration: configuration), certificate: certificate,
        patience: patience)
    }
  }
}
