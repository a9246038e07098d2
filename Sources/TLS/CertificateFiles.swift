/// Where a server's certificate and its key lie.
public struct CertificateFiles: Sendable, Hashable {
  /// The certificate, PEM, followed by those between it and the authority.
  public var certificate: String
  /// The key, PEM, without a passphrase. No other user of the box may read it.
  public var key: String

  public init(certificate: String, key: String) {
    self.certificate = certificate
    self.key = key
  }
}
