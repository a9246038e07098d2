/// Why a certificate or its key can't be used: which file, what is wrong with it, and what helps.
public struct CertificateError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    case unreadable
    /// Every user of the box may read the key.
    case exposed
    /// Nothing in PEM form, or nothing that OpenSSL understands.
    case malformed
    /// The key belongs to another certificate.
    case mismatch
  }

  public let kind: Kind
  public let file: String
  public let message: String
  public let cure: String

  public var description: String { "\(message) (\(cure))" }
}
