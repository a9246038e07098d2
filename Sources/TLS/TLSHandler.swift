import NIOCore

/// Puts TLS between a connection and what reads and writes it. First in the pipeline.
final class TLSHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// The most that one record of TLS holds.
  private static let record = 16 << 10
  /// For people who type http:// where https:// is meant.
  private static let answerToPlainHTTP =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 37\r\nConnection: close\r\n\r\n"
    + "this port speaks TLS: write https://\n"

  private let certificate: ServerCertificate
  /// How long a client may take to agree on keys: over the slowest of links some seconds.
  private let patience: TimeAmount
  private var session: TLSSession?
  private var deadline: Scheduled<Void>?
  /// What was written before the keys were agreed on.
  private var early: [(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)] = []
  private var isEstablished = false
  private var hasSaidGoodbye = false
  private var hasToldEnd = false

  init(_ certificate: ServerCertificate, patience: TimeAmount) {
    self.certificate = certificate
    self.patience = patience
  }

  // MARK: Life

  func handlerAdded(context: ChannelHandlerContext) {
    session = try? TLSSession(certificate.current())
    if session == nil { context.close(promise: nil) }
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { context.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) { end() }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  private func end() {
    deadline?.cancel()
    deadline = nil
    session = nil
    for write in early { write.promise?.fail(ChannelError.ioOnClosedChannel) }
    early = []
  }

  // MARK: From the client

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    do throws(TLSSession.Failure) {
      try take(bytes)
      if !isEstablished { try establish(context) }
      if isEstablished { try pass(context) }
    } catch {
      fail(context, error)
    }
  }

  private func take(_ bytes: ByteBuffer) throws(TLSSession.Failure) {
    var failure: TLSSession.Failure?
    bytes.withUnsafeReadableBytes { bytes in
      do throws(TLSSession.Failure) { try session?.take(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private func establish(_ context: ChannelHandlerContext) throws(TLSSession.Failure) {
    try session?.shakeHands()
    isEstablished = session?.isEstablished ?? false
    if isEstablished {
      deadline?.cancel()
      deadline = nil
      for write in early { try encipher(write.bytes, write.promise, context) }
      early = []
    }
    send(context, nil)
    context.flush()
  }

  private func pass(_ context: ChannelHandlerContext) throws(TLSSession.Failure) {
    while session != nil {
      var buffer = context.channel.allocator.buffer(capacity: TLSHandler.record)
      var failure: TLSSession.Failure?
      let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: TLSHandler.record) { space in
        do throws(TLSSession.Failure) {
          return try session?.read(into: space) ?? 0
        } catch {
          failure = error
          return 0
        }
      }
      if let failure { throw failure }
      guard count > 0 else { break }
      context.fireChannelRead(wrapInboundOut(buffer))
    }
    // Reading may have to be answered, as when the client takes new keys.
    if session?.waiting ?? 0 > 0 {
      send(context, nil)
      context.flush()
    }
    if session?.isClosedByPeer == true { tellEnd(context) }
  }

  private func tellEnd(_ context: ChannelHandlerContext) {
    guard !hasToldEnd else { return }
    hasToldEnd = true
    context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
      return context.fireUserInboundEventTriggered(event)
    }
    // Who leaves before the keys are agreed on asks for nothing.
    guard isEstablished else { return context.close(promise: nil) }
    tellEnd(context)
  }

  private func fail(_ context: ChannelHandlerContext, _ failure: TLSSession.Failure) {
    if failure == .plainHTTP {
      context.write(wrapOutboundOut(ByteBuffer(string: TLSHandler.answerToPlainHTTP)), promise: nil)
    } else {
      // The alert that says why.
      send(context, nil)
    }
    context.flush()
    context.close(promise: nil)
  }

  // MARK: To the client

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let bytes = unwrapOutboundIn(data)
    guard isEstablished else {
      early.append((bytes, promise))
      return
    }
    do throws(TLSSession.Failure) {
      try encipher(bytes, promise, context)
    } catch {
      promise?.fail(ChannelError.ioOnClosedChannel)
      fail(context, error)
    }
  }

  private func encipher(
    _ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext
  ) throws(TLSSession.Failure) {
    var failure: TLSSession.Failure?
    bytes.withUnsafeReadableBytes { bytes in
      do throws(TLSSession.Failure) { try session?.write(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
    send(context, promise)
  }

  /// Hands what waits on to the network.
  private func send(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
    let waiting = session?.waiting ?? 0
    var buffer = context.channel.allocator.buffer(capacity: waiting)
    if waiting > 0 {
      buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: waiting) { session?.drain(into: $0) ?? 0 }
    }
    guard buffer.readableBytes > 0 || promise != nil else { return }
    context.write(wrapOutboundOut(buffer), promise: promise)
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode != .input else { return context.close(mode: mode, promise: promise) }
    if isEstablished, !hasSaidGoodbye, session != nil {
      hasSaidGoodbye = true
      session?.sayGoodbye()
      send(context, nil)
      context.flush()
    }
    // Both have said goodbye: nothing more can come.
    let isOver = mode == .output && session?.isClosedByPeer == true
    context.close(mode: isOver ? .all : mode, promise: promise)
  }
}
