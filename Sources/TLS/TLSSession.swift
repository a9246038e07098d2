import COpenSSL

/// One connection's TLS, from bytes to bytes, without a socket. For one thread at a time.
struct TLSSession: ~Copyable {
  enum Failure: Error, Equatable {
    /// The client speaks HTTP without TLS.
    case plainHTTP
    /// Whatever else OpenSSL says; its own words.
    case broken(String)
    case noMemory
  }

  private let session: OpaquePointer
  /// What came from the network, and what goes there; both belong to `session`.
  private let incoming: OpaquePointer
  private let outgoing: OpaquePointer

  init(_ context: TLSContext) throws(Failure) {
    guard let session = context.makeSession() else { throw .noMemory }
    guard let incoming = BIO_new(BIO_s_mem()) else {
      SSL_free(session)
      throw .noMemory
    }
    guard let outgoing = BIO_new(BIO_s_mem()) else {
      BIO_free(incoming)
      SSL_free(session)
      throw .noMemory
    }
    SSL_set_bio(session, incoming, outgoing)
    self.session = session
    self.incoming = incoming
    self.outgoing = outgoing
  }

  deinit { SSL_free(session) }

  var isEstablished: Bool { SSL_is_init_finished(session) == 1 }

  /// Whether the client has said that it sends no more.
  var isClosedByPeer: Bool { SSL_get_shutdown(session) & SSL_RECEIVED_SHUTDOWN != 0 }

  /// Takes bytes of the network.
  func take(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    guard !bytes.isEmpty else { return }
    guard BIO_write(incoming, bytes.baseAddress, Int32(bytes.count)) == bytes.count else { throw .noMemory }
  }

  /// Goes on with the handshake, as far as what came allows.
  func shakeHands() throws(Failure) {
    ERR_clear_error()
    try judge(SSL_do_handshake(session))
  }

  /// Bytes that the client sent, deciphered; 0 where none are there yet, or none will come.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    ERR_clear_error()
    let count = SSL_read(session, buffer.baseAddress, Int32(buffer.count))
    if count > 0 { return Int(count) }
    try judge(count)
    return 0
  }

  /// Enciphers all of `bytes`; only after the handshake.
  func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    guard !bytes.isEmpty else { return }
    ERR_clear_error()
    let count = SSL_write(session, bytes.baseAddress, Int32(bytes.count))
    // Memory takes all of it at once.
    guard count == bytes.count else {
      try judge(count)
      throw .noMemory
    }
  }

  /// Says that nothing more is sent.
  func sayGoodbye() {
    ERR_clear_error()
    SSL_shutdown(session)
    ERR_clear_error()
  }

  /// Bytes that wait for the network.
  var waiting: Int { BIO_ctrl_pending(outgoing) }

  func drain(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    max(0, Int(BIO_read(outgoing, buffer.baseAddress, Int32(buffer.count))))
  }

  private func judge(_ result: Int32) throws(Failure) {
    switch SSL_get_error(session, result) {
    case SSL_ERROR_NONE, SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE, SSL_ERROR_ZERO_RETURN: return
    default:
      let error = ERR_peek_error()
      if lumbung_tls_is_http(error) != 0 { throw .plainHTTP }
      throw .broken(ERR_reason_error_string(error).map { String(cString: $0) } ?? "broken off")
    }
  }
}
