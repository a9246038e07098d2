import COpenSSL
import Glibc

/// A certificate with its key, as OpenSSL holds them: TLS 1.2 and 1.3 of the distribution's library, by its defaults.
///
/// OpenSSL counts who uses the context, and makes sessions of one context on several threads.
final class TLSContext: @unchecked Sendable {
  private let context: OpaquePointer
  /// When the certificate begins and ends to be valid, in seconds of the epoch.
  let validity: ClosedRange<Int>

  /// Reads both files. Blocks for as long as small files take to read.
  init(_ files: CertificateFiles) throws(CertificateError) {
    try TLSContext.examine(files)
    ERR_clear_error()
    guard let context = SSL_CTX_new(TLS_server_method()) else {
      throw TLSContext.malformed(files.certificate, "OpenSSL makes no context")
    }
    var isComplete = false
    defer { if !isComplete { SSL_CTX_free(context) } }
    lumbung_tls_limit(context)
    guard SSL_CTX_use_certificate_chain_file(context, files.certificate) == 1 else {
      throw TLSContext.malformed(files.certificate, "no certificate can be read from it")
    }
    // A passphrase would be asked for on the terminal, where there is none.
    SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in -1 }
    guard SSL_CTX_use_PrivateKey_file(context, files.key, SSL_FILETYPE_PEM) == 1 else {
      // The key may be sound, and of another kind than the certificate.
      if let key = TLSContext.readKey(files.key) {
        EVP_PKEY_free(key)
        throw TLSContext.mismatch(files)
      }
      throw TLSContext.malformed(files.key, "no key without a passphrase can be read from it")
    }
    guard SSL_CTX_check_private_key(context) == 1 else { throw TLSContext.mismatch(files) }
    guard let certificate = SSL_CTX_get0_certificate(context),
      let from = TLSContext.seconds(X509_get0_notBefore(certificate)),
      let to = TLSContext.seconds(X509_get0_notAfter(certificate)), from <= to
    else {
      throw TLSContext.malformed(files.certificate, "it says no time in which it is valid")
    }
    validity = from...to
    self.context = context
    isComplete = true
  }

  deinit { SSL_CTX_free(context) }

  /// A server's side of one connection; the caller frees it. `nil` where memory is short.
  func makeSession() -> OpaquePointer? {
    guard let session = SSL_new(context) else { return nil }
    SSL_set_accept_state(session)
    return session
  }

  // MARK: What is wrong

  private static func examine(_ files: CertificateFiles) throws(CertificateError) {
    for path in [files.certificate, files.key] {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      guard descriptor >= 0 else { throw unreadable(path, String(cString: strerror(errno))) }
      defer { close(descriptor) }
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw unreadable(path, String(cString: strerror(errno))) }
      guard status.st_mode & S_IFMT == S_IFREG else { throw unreadable(path, "it is not a regular file") }
      guard path != files.key || status.st_mode & 0o007 == 0 else {
        throw CertificateError(
          kind: .exposed, file: path, message: "every user of this box may use the key in \(path)",
          cure: "chmod 640 \(path), and chgrp it to the group that this runs in")
      }
    }
  }

  private static func readKey(_ path: String) -> OpaquePointer? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    return PEM_read_PrivateKey(file, nil, { _, _, _, _ in -1 }, nil)
  }

  private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int? {
    var parts = tm()
    guard ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
    return timegm(&parts)
  }

  private static func unreadable(_ path: String, _ reason: String) -> CertificateError {
    CertificateError(
      kind: .unreadable, file: path, message: "\(path) can't be read: \(reason)",
      cure: "it must be a file that the user that runs this may read: chgrp it to its group, and chmod 640 \(path)")
  }

  private static func malformed(_ path: String, _ what: String) -> CertificateError {
    // The library's own word for it; never a byte of the file.
    let reason = ERR_peek_last_error()
    let words = reason == 0 ? "" : ERR_reason_error_string(reason).map { ": " + String(cString: $0) } ?? ""
    ERR_clear_error()
    return CertificateError(
      kind: .malformed, file: path, message: "\(path): \(what)\(words)",
      cure: "it must be PEM: -----BEGIN CERTIFICATE----- or -----BEGIN PRIVATE KEY-----")
  }

  private static func mismatch(_ files: CertificateFiles) -> CertificateError {
    ERR_clear_error()
    return CertificateError(
      kind: .mismatch, file: files.key, message: "the key in \(files.key) is not that of \(files.certificate)",
      cure: "name the key with which this certificate was asked for; its own certificate must come first in the file")
  }
}
