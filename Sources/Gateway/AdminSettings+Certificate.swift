import Settings
import TLS

extension AdminSettings {
  /// Where the page's certificate is now; `nil` where it is served without TLS.
  public var certificateFiles: CertificateFiles? {
    guard let certFile, let keyFile else { return nil }
    return CertificateFiles(certificate: Credential.path(of: certFile), key: Credential.path(of: keyFile))
  }
}
